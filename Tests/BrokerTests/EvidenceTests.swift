import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol
import RATS
import Storage
import Testing
import Verification

@testable import Broker

@Suite("Evidence")
struct EvidenceTests {
    @Test(
        "A8: report data counts only when it is the whole digest",
        arguments: ["prefix", "padded", "other hash", "empty", "swapped"])
    func reportData(_ kind: String) async throws {
        let test = try await TestBroker.make()
        let guest = try SampleGuest()
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let digest = try Base64.decode(try guest.reportData(nonce: challenge.nonce))
        let wrong: [UInt8] =
            switch kind {
            case "prefix": Array(digest.prefix(32))
            case "padded": digest + [UInt8](repeating: 0, count: 16)
            case "other hash":
                try ReportData.digest(
                    nonce: challenge.nonce, teeKey: guest.key.publicJWK, additionalEvidence: "", hash: .sha512)
            case "empty": []
            default:
                try Base64.decode(try guest.reportData(nonce: challenge.nonce, key: SampleGuest().key.publicJWK))
            }
        let body = try guest.attestation(nonce: challenge.nonce, reportData: Base64.encode(wrong))
        let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) }
        #expect(error?.kind == .unauthenticated)
        #expect(error?.code == "report_data_mismatch")
    }

    @Test("A9: a secret is sealed to the attested key and to no other")
    func otherKey() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        try await test.put("a/b/c", "secret")
        let (guest, thief) = (try SampleGuest(), try SampleGuest())
        let attestation = try await test.attest(guest)
        #expect(try await test.get("a/b/c", attestation, guest) == "secret")
        for message in [
            try await test.release("a/b/c", cookie: attestation.cookie.value),
            try await test.release("a/b/c", bearer: attestation.token),
        ] {
            #expect(throws: JOSEError.self) { try thief.key.decrypt(message) }
            #expect(!String(decoding: message, as: UTF8.self).contains("secret"))
        }
    }

    @Test("A20: sample evidence is refused unless somebody switched it on")
    func sampleIsOff() async throws {
        let test = try await TestBroker.make { $0.attestation.allowSample = false }
        let error = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(error?.kind == .unauthenticated)
        #expect(error?.code == "unsupported_tee")
        #expect(!test.metrics.prometheusText().contains("sample-evidence"))
    }

    @Test("A45: believing sample evidence is logged at start and shows in a gauge")
    func sampleIsVisible() async throws {
        let test = try await TestBroker.make()
        #expect(test.logs.text.contains("sample evidence is believed"))
        #expect(test.metrics.prometheusText().contains("claviger_insecure_mode{mode=\"sample-evidence\"} 1"))
    }

    @Test("A15: firmware of any age and hardware reports of any age are warned of at start, by the setting's name")
    func openSettings() async throws {
        let settings = ["verifiers.snp.minimumTCB", "verifiers.azure.minimumVersion"]
        let open = try await TestBroker.make()
        for setting in settings { #expect(open.logs.text.contains(setting)) }
        let closed = try await TestBroker.make { configuration in
            for product in [SNPProduct.milan, .genoa, .turin] {
                configuration.verifiers.snp.minimumTCB[product] = SNPTCBLevels(
                    fmc: nil, bootloader: 1, tee: 0, snp: 1, microcode: 1)
            }
            configuration.verifiers.azureMinimumVersion = 2
        }
        for setting in settings { #expect(!closed.logs.text.contains(setting)) }
        let unused = try await TestBroker.make { $0.verifiers.kinds = [.tdx, .sgx, .tpm] }
        for setting in settings { #expect(!unused.logs.text.contains(setting)) }
        let partial = try await TestBroker.make {
            $0.verifiers.kinds = [.snp]
            $0.verifiers.snp.minimumTCB[.milan] = SNPTCBLevels(fmc: nil, bootloader: 1, tee: 0, snp: 1, microcode: 1)
        }
        #expect(partial.logs.text.contains("believed on Genoa, Turin with firmware of any age"))
    }

    @Test("A22: every protocol version's evidence goes through the one registry")
    func oneVerifier() async throws {
        let test = try await TestBroker.make {
            $0.attestation.allowSample = false; $0.protocolVersions.legacy = true
        }
        #expect(test.broker.verifiers.tees == Set(VerifierConfiguration.defaultKinds))
        for version in ["0.2.0", "0.4.0"] {
            let guest = try SampleGuest()
            let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody(version: version))
            let body =
                version == "0.4.0"
                ? try guest.attestation(nonce: challenge.nonce)
                : JSONValue.object([
                    "tee-pubkey": .object(guest.key.publicJWK),
                    "tee-evidence": [
                        "svn": "1",
                        "report_data": .string(try guest.reportData(nonce: challenge.nonce, additionalEvidence: nil)),
                    ],
                ]).serialized()
            let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) }
            #expect(error?.code == "unsupported_tee")
        }
    }

    @Test("a refused attestation is in the ledger under the id that the guest was told")
    func refusalIsRecorded() async throws {
        let test = try await TestBroker.make()
        let guest = try SampleGuest()
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: challenge.nonce, reportData: "AAAA")
        let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) }
        let id = try #require(error?.decisionID)
        #expect(error?.message.contains(id) == true)
        let decision = try await test.broker.decision(id)
        #expect(decision["operation"] == "attest")
        #expect(decision["code"] == "report_data_mismatch")
        #expect(decision["tee"] == "sample")
        #expect(decision["allowed"] == false)
    }

    @Test("A30: without an appraisal policy no attestation succeeds")
    func noAppraisalPolicy() async throws {
        let test = try await TestBroker.make(policies: nil)
        let error = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(error?.code == "no_appraisal_policy")
        #expect(error?.kind == .unauthenticated)
    }

    @Test("GC 9.H.77: init-data is bound by its digest and its claims reach the token")
    func initData() async throws {
        let test = try await TestBroker.make()
        let text = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"hello.txt\" = \"world\"\n"
        let attestation = try await test.attest(SampleGuest(), initData: text)
        let claims = try JWTClaims(payload: JWS(compact: attestation.token).payload).object
        let evidence = JSONValue.object(claims)[pointer: "/submods/cpu0/ear.veraison.annotated-evidence"]
        #expect(evidence?["init_data"] == .string(Base64.encode(HashAlgorithm.sha256.digest(of: Array(text.utf8)))))
        #expect(evidence?["init_data_claims"]?["hello.txt"] == "world")
    }
}
