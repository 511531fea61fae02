import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

extension SimulatedAMD {
    /// The simulated AMD of a product, or with `isImpostor` somebody else under the same names.
    init(_ product: SNPProduct = .genoa, isImpostor: Bool = false) throws {
        try self.init(product, at: Date(timeIntervalSince1970: 1_750_000_000), keys: isImpostor ? .impostor : .genuine)
    }

    /// Makes a key of this kind with AMD's extensions; `others` replaces or removes their values by number.
    func endorsementKey(
        _ kind: SNPEndorsementKeyKind, hardwareID: [UInt8], levels: SNPTCBLevels, issuer: TestIssuer? = nil,
        subject: String? = nil, validFor: ClosedRange<TimeInterval> = -86_400...86_400,
        replacing others: [String: [UInt8]?] = [:]
    ) throws -> SimulatedEndorsementKey {
        var draft = endorsementKeyDraft(kind, hardwareID: hardwareID, levels: levels)
        draft.subject = subject ?? draft.subject
        draft.notBefore = now.addingTimeInterval(validFor.lowerBound)
        draft.notAfter = now.addingTimeInterval(validFor.upperBound)
        draft.replacedValues = others
        return try endorsementKey(draft, issuer: issuer)
    }

    /// Makes a revocation list of the root over these certificates and serial numbers.
    func revocationList(
        revoking certificates: [Certificate] = [], _ numbers: [[UInt8]] = [], by issuer: TestIssuer? = nil,
        issued: TimeInterval = -86_400, nextUpdate: TimeInterval? = 86_400, number: Int = 4
    ) throws -> [UInt8] {
        try revocationList(signer: issuer) { draft in
            draft.thisUpdate = now.addingTimeInterval(issued)
            draft.nextUpdate = nextUpdate.map(now.addingTimeInterval)
            draft.entries = (certificates.map(\.serialNumber) + numbers).map { .init($0, at: now) }
            draft.extensions = [.listNumber(number)]
        }
    }
}

extension SNPReport {
    /// The report's bytes, signed with this key.
    func signed(by key: SimulatedEndorsementKey) throws -> [UInt8] {
        let signature = try key.privateKey.signature(for: encoded()[..<SNPReport.signedByteCount])
        var report = self
        report.signature = try #require(SNPSignature(rawRepresentation: Array(signature.rawRepresentation)))
        return report.encoded()
    }
}
