import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Collateral in the broker", .timeLimit(.minutes(5)))
struct CollateralTests {
    private func broker(_ collateral: TestCollateral, verifiers: VerifierRegistry? = nil) async throws -> TestBroker {
        try await TestBroker.make(
            verifiers: verifiers, inspectors: [CredulousInspector()], configure: collateral.configure)
    }

    private func names(_ status: JSONValue) -> [String] {
        (status["items"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
    }

    /// Asks for collateral, as a verifier of hardware does, and says in its refusal what it got.
    private struct AskingVerifier: EvidenceVerifier {
        let tee = TEE.sample

        func verify(
            _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
        ) async throws(VerificationError) -> [EvidenceClaims] {
            guard let name = CollateralName(TestCollateral.name), let item = try? await context.collateral.item(name)
            else { throw VerificationError(code: "collateral_unavailable", message: "") }
            throw VerificationError(code: "got_\(item.body.count > 10)", message: "")
        }

        func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] { [] }
    }

    /// Takes a minute, as a verifier does that waits for a publisher.
    private struct SlowVerifier: EvidenceVerifier {
        let tee = TEE.sample
        let clock: TestClock

        func verify(
            _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
        ) async throws(VerificationError) -> [EvidenceClaims] {
            clock.advance(by: 60)
            return try await SampleVerifier().verify(evidence, binding: binding, context: context)
        }

        func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] { [] }
    }

    @Test("evidence is appraised and its token issued by the clock after collateral was waited for")
    func waiting() async throws {
        let clock = TestClock()
        let slow = VerifierRegistry(verifiers: [SlowVerifier(clock: clock)])
        let test = try await TestBroker.make(verifiers: slow, clock: clock)
        let began = clock.now
        let attestation = try await test.attest(SampleGuest())
        let lifetime = test.broker.configuration.token.lifetime.components.seconds
        #expect(attestation.cookie.expiresAt.timeIntervalSince(began) >= TimeInterval(lifetime) + 58)
    }

    @Test("verifiers get collateral from the broker's cache")
    func verification() async throws {
        let collateral = try TestCollateral()
        let test = try await broker(collateral, verifiers: VerifierRegistry(verifiers: [AskingVerifier()]))
        let error = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(error?.code == "got_true")
        #expect(
            names(try await test.broker.collateralStatus(prefix: "", after: "", limit: 10)) == [TestCollateral.name])
    }

    @Test("an administrator has something fetched, and sees how it stands")
    func fetch() async throws {
        let collateral = try TestCollateral(sequence: 7)
        let test = try await broker(collateral)
        let item = try await test.broker.fetchCollateral(TestCollateral.name, by: "test")
        #expect(item["state"] == "current")
        #expect(item["sequence"] == 7)
        #expect(item["source"]?.stringValue?.hasPrefix("pcs-file ") == true)
        try collateral.write(sequence: 6)
        let back = try await brokerError { _ = try await test.broker.fetchCollateral(TestCollateral.name, by: "test") }
        #expect(back?.kind == .conflict && back?.code == "collateral_rollback")
        let missing = try await brokerError { _ = try await test.broker.fetchCollateral("intel/crl/root", by: "test") }
        #expect(missing?.kind == .notFound)
        let odd = try await brokerError { _ = try await test.broker.fetchCollateral("../etc", by: "test") }
        #expect(odd?.kind == .malformed)
        let foreign = try await brokerError { _ = try await test.broker.fetchCollateral("amd/crl/milan/vcek", by: "x") }
        #expect(foreign?.kind == .unavailable)
    }

    @Test("what one broker exports and its operator signs, another takes; other signatures and none are refused")
    func transport() async throws {
        let collateral = try TestCollateral()
        let source = try await broker(collateral)
        _ = try await source.broker.fetchCollateral(TestCollateral.name, by: "test")
        let content = try await source.broker.exportCollateral(prefix: "intel/")
        func bundle(_ signatures: [String]) -> [UInt8] {
            let file: JSONValue = [
                "apiVersion": "claviger.dev/v1alpha1", "kind": "SignedCollateralBundle", "bundle": content,
                "signatures": .array(signatures.map { .string($0) }),
            ]
            return file.serialized()
        }
        let payload = try content.canonical()
        let type = "claviger-collateral-bundle+jws"
        let good = try TrustedSigners.sign(payload, type: type, with: collateral.signer)
        let strange = try TrustedSigners.sign(payload, type: type, with: SigningKey.generate(.es256))
        let forged = try TrustedSigners.sign(payload + [0x20], type: type, with: collateral.signer)
        let site = try await TestBroker.make(inspectors: [CredulousInspector()]) {
            $0.collateral.keyFiles = [collateral.path("signer.pub")]
            $0.collateral.settings.network = false
        }
        for (signatures, code) in [
            ([], "bundle_unsigned"), ([strange], "unknown_signer"), ([forged], "invalid_signature"),
        ] {
            let error = try await brokerError {
                _ = try await site.broker.importCollateral(bundle(signatures), by: "test")
            }
            #expect(error?.kind == .denied && error?.code == code)
        }
        #expect(names(try await site.broker.collateralStatus(prefix: "", after: "", limit: 10)).isEmpty)
        let answer = try await site.broker.importCollateral(bundle([good]), by: "test")
        #expect(answer["items"]?.arrayValue?.first?["kept"] == true)
        #expect(
            names(try await site.broker.collateralStatus(prefix: "", after: "", limit: 10)) == [TestCollateral.name])
        let closed = try await TestBroker.make(inspectors: [CredulousInspector()])
        let error = try await brokerError { _ = try await closed.broker.importCollateral(bundle([good]), by: "test") }
        #expect(error?.kind == .denied && error?.code == "unknown_signer")
    }

    @Test("without an inspector nothing is kept, not even by a trusted signer")
    func noInspector() async throws {
        let collateral = try TestCollateral()
        let test = try await TestBroker.make(configure: collateral.configure)
        let error = try await brokerError { _ = try await test.broker.fetchCollateral(TestCollateral.name, by: "test") }
        #expect(error?.kind == .notFound)
        #expect(names(try await test.broker.collateralStatus(prefix: "", after: "", limit: 10)).isEmpty)
    }

    @Test("settings that cannot be used keep a broker from starting")
    func configuration() async throws {
        for change in [
            { (configuration: inout BrokerConfiguration) in configuration.collateral.keyFiles = ["/nowhere"] },
            {
                $0.collateral.proxy = "proxy:3128"; $0.collateral.sources = [.init(kind: .kds)]
            },
        ] {
            await #expect(throws: ConfigurationError.self) {
                try await TestBroker.make(policies: nil, configure: change)
            }
        }
    }
}
