import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("NVIDIA: recorded devices")
struct NVIDIAVectorTests {
    private func claims(
        _ id: String, _ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }
    ) async throws -> EvidenceClaims {
        let context = VerificationContext(clock: .fixed(try NVIDIAVectors.date(id)))
        let all = try await NVIDIAVerifier(NVIDIAVectors.options(change)).verify(
            NVIDIAVectors.evidence(id), binding: NVIDIAVectors.binding(id), context: context)
        #expect(all.count == 1)
        return try #require(all.first)
    }

    private func refusal(_ id: String, _ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }) async throws
        -> String?
    {
        await NVIDIAVerifier(NVIDIAVectors.options(change)).refusal(
            try NVIDIAVectors.evidence(id), try NVIDIAVectors.binding(id), at: try NVIDIAVectors.date(id))
    }

    @Test(
        "reports of Hopper, Blackwell and LS10 are believed and state what their manifest says",
        arguments: ["hopper-trustee", "hopper-sdk-580", "blackwell-sdk", "bad-hopper-expired-sdk", "switch-sdk"])
    func believed(id: String) async throws {
        let found = try await claims(id)
        let expected = try #require(NVIDIAVectors.entry(id)["claims"])
        let isSwitch = expected["arch"] == "LS10"
        #expect(found.deviceClass == (isSwitch ? .switch : .gpu) && found.matchedReportData == 0)
        #expect(found.claims["arch"] == expected["arch"] && found.claims["eat_nonce"] == expected["nonce"])
        #expect(found.claims["config"]?["driver_version"] ?? "" == expected["driver"])
        #expect(found.claims["config"]?["vbios_version"] == expected["vbios"])
        #expect(found.claims["config"]?["fwid"] ?? "" == expected["fwid"])
        #expect(found.claims["measurements"]?.objectValue?.names.count == (isSwitch ? 31 : 64))
        #expect(found.chain.count == 5)
        // Nobody compared registers, so that nobody says that the device started as it should.
        #expect(found.claims["measres"] == "not-run" && found.claims["secboot"] == .null)
        let stated = try NVIDIAVerifier().statedReportData(in: NVIDIAVectors.evidence(id))
        #expect(.string(Hex.encode(stated)) == expected["nonce"])
    }

    @Test(
        "the claims of a local verifier are those of other local verifiers, and NVIDIA's service names the same device")
    func compatible() async throws {
        let found = try await claims("hopper-trustee").claims
        let theirs = try Vectors.json("nvidia/hopper-trustee/claims-trustee.json")
        #expect(found["measurements"] == theirs["measurements"])
        #expect(found["config"] == theirs["config"])
        #expect(found["ueid"] == "478176379286082186618948445787393647364802107249")
        #expect(found["hwmodel"] == "GH100 A01 GSP BROM" && found["oemid"] == "5703")
        #expect(found["x-nvidia-gpu-vbios-version"] == "96.00.9F.00.01")
        #expect(found["x-nvidia-gpu-driver-version"] == "550.90.07")
        let chain = found["x-nvidia-gpu-attestation-report-cert-chain"]
        #expect(chain?["x-nvidia-cert-expiration-date"] == "9999-12-31T23:59:59Z")
        #expect(chain?["x-nvidia-cert-status"] == "valid" && chain?["x-nvidia-cert-ocsp-status"] == .null)
    }

    @Test(
        "reports that are not NVIDIA's are refused",
        arguments: [
            ("bad-chain-case2", "chain_not_trusted"), ("bad-chain-case3", "chain_not_trusted"),
            ("bad-chain-case4", "chain_not_trusted"), ("bad-hopper-signature-sdk", "signature_invalid"),
            ("bad-switch-signature-sdk", "signature_invalid"),
        ])
    func refused(id: String, code: String) async throws {
        #expect(try await refusal(id) == code)
        let isLenient = try await refusal(id) {
            ($0.allowsTrailingZeros, $0.allowsMissingFirmwareID, $0.requiresTopology) = (true, true, false)
        }
        #expect(isLenient == code)
    }

    @Test(
        "a zero byte behind a report, and a report without the first firmware's digest, count only where that is let in"
    )
    func exceptions() async throws {
        #expect(try await refusal("hopper-coco") == "malformed_evidence")
        let trailing = try await claims("hopper-coco") { $0.allowsTrailingZeros = true }
        #expect(trailing.steps.contains { $0.name == "end of the report" })
        #expect(try await refusal("hopper-sdk-rim-match") == "firmware_id_missing")
        let old = try await claims("hopper-sdk-rim-match") { $0.allowsMissingFirmwareID = true }
        #expect(old.claims["x-nvidia-gpu-attestation-report-cert-chain-fwid-match"] == false)
    }

    @Test("without manifests no device is believed unless that is let in")
    func strict() async throws {
        for id in ["hopper-trustee", "switch-sdk"] {
            #expect(try await refusal(id) { $0.requiresManifests = true } == "manifest_unavailable")
        }
    }

    @Test("hexadecimal reports, title case and other forms of old agents are read, and nothing else")
    func forms() async throws {
        let id = "hopper-trustee"
        let (binding, date) = (try NVIDIAVectors.binding(id), try NVIDIAVectors.date(id))
        let verifier = NVIDIAVerifier(NVIDIAVectors.options())
        let report = try NVIDIAVectors.device(id).report
        for (members, code) in [
            (["evidence": .string(Hex.encode(report)), "arch": "Hopper"], nil),
            (["uuid": .null], nil), (["uuid": "unknown"], nil), (["uuid": 1], "malformed_evidence"),
            (["uuid": .string(String(repeating: "a", count: 129))], "malformed_evidence"),
            (["arch": "BLACKWELL"], "architecture_mismatch"), (["arch": "LS10"], "architecture_mismatch"),
            (["arch": "AMPERE"], "malformed_evidence"), (["evidence": ""], "malformed_evidence"),
            (["evidence": .string(Base64.encode(report) + "\n")], "malformed_evidence"),
            (["certificate": "AAAA"], "malformed_evidence"), (["certificate": .null], "malformed_evidence"),
        ] as [(JSONObject, String?)] {
            let evidence = try NVIDIAVectors.evidence(id, replacing: members)
            #expect(await verifier.refusal(evidence, binding, at: date) == code, "\(members)")
        }
        for content in [[:], ["device_evidence_list": []], ["device_evidence_list": [1]]] as [JSONValue] {
            let evidence = Evidence(tee: .nvidia, content: content)
            #expect(await verifier.refusal(evidence, binding, at: date) == "malformed_evidence")
        }
        let many = try NVIDIAVectors.evidence(id).content["device_evidence_list"]?.arrayValue?.first
        let list = [JSONValue](repeating: try #require(many), count: 65)
        let evidence = Evidence(tee: .nvidia, content: ["device_evidence_list": .array(list)])
        #expect(await verifier.refusal(evidence, binding, at: date) == "malformed_evidence")
    }

    @Test("A19: a report for another nonce, one device twice, and another device's certificate are refused")
    func others() async throws {
        let id = "hopper-trustee"
        let verifier = NVIDIAVerifier(NVIDIAVectors.options())
        let (binding, date) = (try NVIDIAVectors.binding(id), try NVIDIAVectors.date(id))
        let other = try NVIDIAVectors.binding("hopper-coco")
        #expect(await verifier.refusal(try NVIDIAVectors.evidence(id), other, at: date) == "report_data_mismatch")
        let device = try #require(NVIDIAVectors.evidence(id).content["device_evidence_list"]?.arrayValue?.first)
        let twice = Evidence(tee: .nvidia, content: ["device_evidence_list": [device, device]])
        #expect(await verifier.refusal(twice, binding, at: date) == "duplicate_device")
        let certificate = try #require(
            NVIDIAVectors.evidence("hopper-sdk-580").content["device_evidence_list"]?.arrayValue?.first?["certificate"])
        let swapped = try NVIDIAVectors.evidence(id, replacing: ["certificate": certificate])
        #expect(await verifier.refusal(swapped, binding, at: date) == "signature_invalid")
        let early = await verifier.refusal(
            try NVIDIAVectors.evidence(id), binding, at: Date(timeIntervalSince1970: 1_500_000_000))
        #expect(early == "certificate_not_yet_valid")
        let late = await verifier.refusal(
            try NVIDIAVectors.evidence(id), binding, at: Date(timeIntervalSince1970: 32_503_680_000))
        #expect(late == nil)
    }
}
