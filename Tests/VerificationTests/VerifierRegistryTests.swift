import Encodings
import RATS
import Testing
import Verification

/// A verifier that answers what it was made with.
private struct CannedVerifier: EvidenceVerifier {
    let tee: TEE
    let answer: [EvidenceClaims]

    func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        answer
    }

    func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] { [] }
}

@Suite("Verifier registry")
struct VerifierRegistryTests {
    private let binding = EvidenceBinding(reportData: [[1, 2, 3]])

    private func code(_ registry: VerifierRegistry, _ tee: TEE, devices: [Evidence] = []) async -> String? {
        do {
            _ = try await registry.verify(
                primary: Evidence(tee: tee, content: ["svn": "1", "report_data": "AQID"]), devices: devices,
                binding: binding, deviceBinding: binding, context: VerificationContext())
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A20: sample evidence is refused unless its verifier was put in on purpose")
    func sampleIsOff() async {
        let empty = VerifierRegistry(verifiers: [])
        #expect(!empty.acceptsSampleEvidence)
        for tee in TEE.allCases { #expect(await code(empty, tee) == "unsupported_tee") }

        let switchedOn = VerifierRegistry(verifiers: [SampleVerifier()])
        #expect(switchedOn.acceptsSampleEvidence)
        #expect(switchedOn.tees == [.sample])
        #expect(await code(switchedOn, .sample) == nil)
        let device = Evidence(tee: .sampledevice, content: ["svn": "2", "report_data": "AQID"])
        #expect(await code(switchedOn, .sample, devices: [device]) == "unsupported_tee")
    }

    @Test("A20: the refusal of sample evidence says why")
    func sampleRefusal() async {
        let error = await #expect(throws: VerificationError.self) {
            try await VerifierRegistry(verifiers: []).verify(
                primary: Evidence(tee: .sample, content: [:]), binding: binding, deviceBinding: binding,
                context: VerificationContext())
        }
        #expect(error?.message.contains("It comes from no hardware") == true)
    }

    @Test("a kind without a verifier is refused by name")
    func unsupported() async {
        let error = await #expect(throws: VerificationError.self) {
            try await VerifierRegistry(verifiers: [SampleVerifier()]).verify(
                primary: Evidence(tee: .snp, content: [:]), binding: binding, deviceBinding: binding,
                context: VerificationContext())
        }
        #expect(error?.code == "unsupported_tee")
        #expect(error?.message.contains("snp") == true)
    }

    @Test("a verifier's answer must be bound, not empty, and about its own kind")
    func answers() async {
        let good = EvidenceClaims(tee: .snp, claims: [:], matchedReportData: 0)
        let cases: [([EvidenceClaims], String?)] = [
            ([good], nil),
            ([], "foreign_claims"),
            ([good, EvidenceClaims(tee: .tdx, claims: [:], matchedReportData: 0)], "foreign_claims"),
            ([EvidenceClaims(tee: .snp, claims: [:], matchedReportData: nil)], "unbound_evidence"),
            ([good, EvidenceClaims(tee: .snp, claims: [:], matchedReportData: 1)], "unbound_evidence"),
            ([EvidenceClaims(tee: .snp, claims: [:], matchedReportData: -1)], "unbound_evidence"),
        ]
        for (answer, expected) in cases {
            let registry = VerifierRegistry(verifiers: [CannedVerifier(tee: .snp, answer: answer)])
            #expect(await code(registry, .snp) == expected)
        }
    }

    @Test("one thing that does not verify fails all")
    func oneFailure() async {
        let good = EvidenceClaims(tee: .snp, claims: [:], matchedReportData: 0)
        let registry = VerifierRegistry(verifiers: [CannedVerifier(tee: .snp, answer: [good]), SampleDeviceVerifier()])
        let device = Evidence(tee: .sampledevice, content: ["svn": "2", "report_data": "AQID"])
        let forged = Evidence(tee: .sampledevice, content: ["svn": "2", "report_data": "AQIE"])
        #expect(await code(registry, .snp, devices: [device]) == nil)
        #expect(await code(registry, .snp, devices: [device, forged]) == "report_data_mismatch")
        #expect(await code(registry, .snp, devices: [Evidence(tee: .nvidia, content: [:])]) == "unsupported_tee")
    }
}
