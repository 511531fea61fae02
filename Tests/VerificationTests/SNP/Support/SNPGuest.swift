import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

/// A guest on a processor of the simulated AMD: what it presents can be changed before it is signed.
struct SNPGuest {
    let amd: SimulatedAMD
    let hardwareID: [UInt8]
    let levels: SNPTCBLevels
    let key: SimulatedEndorsementKey
    /// What a good guest reports.
    let report: SNPReport
    let digest = [UInt8](repeating: 0xD1, count: 48)

    init(_ product: SNPProduct = .genoa, kind: SNPEndorsementKeyKind = .vcek) throws {
        try self.init(SimulatedAMD(product), kind: kind)
    }

    init(_ amd: SimulatedAMD, kind: SNPEndorsementKeyKind = .vcek) throws {
        self.amd = amd
        let product = amd.product
        hardwareID = (0..<product.hardwareIDByteCount).map { UInt8($0 + 1) }
        levels = SNPTCBLevels(fmc: product.hasFMC ? 1 : nil, bootloader: 10, tee: 2, snp: 23, microcode: 200)
        key = try amd.endorsementKey(kind, hardwareID: hardwareID, levels: levels)
        let tcb = SNPTCB(levels, product: product)
        let processor =
            product == .turin
            ? SNPProcessor(family: 0x1A, model: 2, stepping: 1) : SNPProcessor(family: 0x19, model: 0x11, stepping: 1)
        let chipID = hardwareID + [UInt8](repeating: 0, count: 64 - hardwareID.count)
        report = SNPReport(
            version: 5, currentTCB: tcb, platformInfo: [.smtEnabled, .aliasCheckComplete],
            keyInfo: SNPKeyInfo(signer: kind), reportData: digest + [UInt8](repeating: 0, count: 16),
            measurement: Array(repeating: 7, count: 48), reportedTCB: tcb, processor: processor,
            chipID: kind == .vcek ? chipID : Array(repeating: 0, count: 64), committedTCB: tcb, launchTCB: tcb,
            launchMitigations: 3, currentMitigations: 3)
    }

    /// The simulation's anchors and otherwise the defaults, changed.
    func options(_ change: (inout SNPVerifier.Options) -> Void = { _ in }) -> SNPVerifier.Options {
        var options = SNPVerifier.Options(anchors: amd.anchors)
        change(&options)
        return options
    }

    /// A current revocation list for both kinds of keys, and what else is given.
    func collateral(
        list: [UInt8]? = nil, _ others: [CollateralName: CollateralItem] = [:]
    ) throws -> FixedCollateral {
        let items = try amd.collateral(list: list).merging(others) { $1 }
        return FixedCollateral(items)
    }

    /// The code of the refusal of a report that was changed and then signed, or `nil` when it is believed.
    func refusal(
        _ options: SNPVerifier.Options? = nil, list: [UInt8]? = nil, at offset: TimeInterval = 0,
        key other: SimulatedEndorsementKey? = nil, kind: SNPEndorsementKeyKind? = nil,
        initDataDigest: [UInt8]? = nil, _ change: (inout SNPReport) -> Void = { _ in }
    ) async throws -> String? {
        var report = report
        change(&report)
        let signer = other ?? key
        let content = rawEvidence(
            try report.signed(by: signer), certificate: signer.certificate, kind: kind ?? signer.draft.kind)
        let context = VerificationContext(
            clock: .fixed(amd.now.addingTimeInterval(offset)), collateral: try collateral(list: list))
        return await SNPVerifier(options ?? self.options()).refusal(
            content, binding: EvidenceBinding(reportData: [digest], initDataDigest: initDataDigest), context: context)
    }
}
