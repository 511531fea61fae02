import BrokerTestSupport
import Collateral
import Encodings
import EvidenceSimulator
import Foundation
import JOSE
import RATS
import Storage
import Testing
import Verification

@testable import Broker

/// A broker that trusts the simulator's manufacturers and has their collateral from a signed bundle, as a site without a
/// network does. It grades with the shipped policies.
struct SimulatedSite {
    let amd: SimulatedAMD
    let intel: SimulatedIntel
    let platform: SimulatedPlatform
    let test: TestBroker

    /// - Parameters:
    ///   - policies: what is applied beside the shipped policies.
    ///   - others: verifiers beside those of the simulator's manufacturers.
    ///   - items: collateral beside theirs, which `inspectors` know.
    init(
        policies: String = TestPolicies.affirmingOnly, verifiers others: [any EvidenceVerifier] = [],
        also items: [CollateralName: CollateralItem] = [:], inspectors: [any CollateralInspector] = []
    ) async throws {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        let amd = try SimulatedAMD(.milan, at: now)
        let intel = try SimulatedIntel(at: now)
        (self.amd, self.intel) = (amd, intel)
        platform = try intel.platform()
        let signer = try SigningKey.generate(.es256)
        let file = FileManager.default.temporaryDirectory.appending(path: "claviger-simulated-\(UUID().uuidString).pem")
        try Data(signer.publicPEM.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        test = try await TestBroker.make(
            policies: policies, verifiers: Self.verifiers(amd, intel, others),
            inspectors: Self.inspectors(amd, intel) + inspectors
        ) {
            $0.policies.installDefaults = true
            $0.collateral.keyFiles = [file.path]
        }
        try await importCollateral(items, signedBy: signer, at: now)
    }

    private static func verifiers(
        _ amd: SimulatedAMD, _ intel: SimulatedIntel, _ others: [any EvidenceVerifier] = []
    ) -> VerifierRegistry {
        let collateral = IntelCollateralOptions(anchors: intel.anchors)
        var snp = SNPVerifier.Options(anchors: amd.anchors)
        snp.allowsMaskedChipID = true
        return VerifierRegistry(
            verifiers: [
                SNPVerifier(snp), TDXVerifier(options: .init(collateral: collateral)),
                SGXVerifier(options: .init(collateral: collateral)),
                AzureSNPVerifier(.init(snp: .init(anchors: amd.anchors))),
                AzureTDXVerifier(.init(tdx: .init(collateral: collateral))),
            ] + others)
    }

    /// Another broker on the same database, which believes the same evidence.
    func replica() async throws -> TestBroker {
        try await TestBroker.make(
            policies: nil, store: test.store, database: try await test.store.connect(),
            verifiers: Self.verifiers(amd, intel), inspectors: Self.inspectors(amd, intel))
    }

    private static func inspectors(_ amd: SimulatedAMD, _ intel: SimulatedIntel) -> [any CollateralInspector] {
        [SNPCollateralInspector(anchors: amd.anchors), IntelCollateralInspector(anchors: intel.anchors)]
    }

    private func importCollateral(
        _ others: [CollateralName: CollateralItem], signedBy signer: SigningKey, at now: Date
    ) async throws {
        let items = try amd.collateral().merging(
            SimulatedIntelCollateral(intel, for: platform.draft).items()
        ) { $1 }.merging(others) { $1 }
        let bundle = try CollateralBundle(
            items: items.map { CollateralBundleItem(name: $0.key, item: $0.value, source: "simulator") }, created: now)
        let answer = try await test.broker.importCollateral(bundle.signed(with: signer).serialized(), by: "test")
        let outcomes = try #require(answer["items"]?.arrayValue)
        try #require(outcomes.count == items.count && outcomes.allSatisfy { $0["kept"] == true }, "\(outcomes)")
    }

    /// Registers reference values.
    func register(_ values: JSONObject) async throws {
        let message: JSONValue = [
            "version": "0.1.0", "type": "sample", "payload": .string(Base64.encode(values.serialized())),
        ]
        try await test.broker.registerReferenceValues(message: message.serialized(), by: "test")
    }

    /// Registers the values that affirm a guest under the shipped policy.
    func affirm(_ guest: SimulatedSNPGuest) async throws {
        let levels = guest.key.draft.levels
        try await register([
            "snp_launch_measurement": [.string(Hex.encode(guest.report.measurement))],
            "snp_bootloader": [.int(Int64(levels.bootloader))], "snp_tee_svn": [.int(Int64(levels.tee))],
            "snp_snp_svn": [.int(Int64(levels.snp))], "snp_microcode": [.int(Int64(levels.microcode))],
            "snp_smt_enabled": true, "snp_tsme_enabled": false, "snp_guest_abi_major": 0, "snp_guest_abi_minor": 0,
            "snp_single_socket": false, "snp_smt_allowed": true,
        ])
    }

    /// Registers the values that affirm a trust domain under the shipped policy.
    func affirm(_ domain: SimulatedTrustDomain) async throws {
        func values(_ field: TrustDomainReport.Field) -> JSONValue { [.string(Hex.encode(domain.report[field]))] }
        try await register([
            "mr_td": values(.launchMeasurement), "rtmr_1": values(.register1), "rtmr_2": values(.register2),
            "xfam": values(.features),
        ])
    }

    /// The ledger's newest row.
    func lastDecision() async throws -> DecisionRecord {
        try #require(try await DecisionRepository(test.store.database).list().first)
    }
}
