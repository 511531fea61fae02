import Encodings
import KBSProtocol
import RATS
import Testing
import Verification

@Suite("Sample evidence")
struct SampleVerifierTests {
    private let registry = VerifierRegistry(verifiers: [SampleVerifier(), SampleDeviceVerifier()])
    private let context = VerificationContext()
    private let digest = [UInt8](1...48)

    private func verify(_ content: JSONValue, binding: EvidenceBinding) async throws -> [EvidenceClaims] {
        try await registry.verify(
            primary: Evidence(tee: .sample, content: content), binding: binding,
            deviceBinding: EvidenceBinding(reportData: []), context: context)
    }

    private func code(_ content: JSONValue) async -> String? {
        do {
            _ = try await verify(content, binding: EvidenceBinding(reportData: [digest]))
            return nil
        } catch {
            return (error as? VerificationError)?.code
        }
    }

    private func recordedCases(_ file: String) throws -> [JSONValue] {
        try #require(Vectors.json(file)["cases"]?.arrayValue)
    }

    private func session(_ json: JSONValue) throws -> SessionParameters {
        SessionParameters(
            version: try #require(json["version"]?.stringValue.flatMap(ProtocolVersion.init(rawValue:))),
            tee: try #require(json["tee"]?.stringValue.flatMap(TEE.init(wireName:))),
            nonce: try #require(json["nonce"]?.stringValue), concatenatedBinding: true)
    }

    @Test("the claims of the reference verifier come out, digests in base64")
    func claims() async throws {
        let text = Base64.encode(digest)
        let claims = try await verify(
            ["svn": "1", "report_data": .string(text)],
            binding: EvidenceBinding(reportData: [[9], digest], initDataDigest: [1, 2, 3]))
        #expect(claims.count == 1)
        #expect(
            claims[0].claims == [
                "svn": "1", "launch_digest": "abcde", "platform_version": ["major": 1, "minor": 4], "debug": false,
                "report_data": .string(text), "init_data": "AQID",
            ])
        #expect(claims[0].matchedReportData == 1)
        #expect(claims[0].deviceClass == .cpu)
    }

    @Test("KBS 12.2.10: the init_data claim is the base64 of the document's digest, and absent without a document")
    func initDataClaim() async throws {
        let initData = try InitData(toml: "version='0.1.0'\nalgorithm='sha256'\n[data]\nx='y'\n")
        let content: JSONValue = ["svn": "1", "report_data": .string(Base64.encode(digest))]
        let with = try await verify(
            content, binding: EvidenceBinding(reportData: [digest], initDataDigest: initData.digest))
        #expect(with[0].claims["init_data"] == .string(Base64.encode(initData.digest)))
        let without = try await verify(content, binding: EvidenceBinding(reportData: [digest]))
        #expect(without[0].claims["init_data"] == nil)
    }

    @Test("A8: prefixes, truncated, padded and re-encoded report data are refused")
    func reportDataVariants() async throws {
        let text = Base64.encode(digest)
        #expect(await code(["svn": "1", "report_data": .string(text)]) == nil)
        let wrong: [[UInt8]] = [
            Array(digest.prefix(47)), Array(digest.prefix(32)), digest + [0], digest + [UInt8](repeating: 0, count: 16),
            [0] + digest, Array(digest.reversed()), [],
        ]
        for bytes in wrong {
            #expect(
                await code(["svn": "1", "report_data": .string(Base64.encode(bytes))]) == "report_data_mismatch")
        }
        #expect(await code(["svn": "1"]) == "report_data_mismatch")
        for malformed in [
            text + "=", text + "\n", " " + text, text.replacing("/", with: "_").replacing("+", with: "-") + "-",
            Hex.encode(digest) + "x",
        ] {
            #expect(await code(["svn": "1", "report_data": .string(malformed)]) == "malformed_evidence")
        }
        #expect(await code(["svn": 1, "report_data": .string(text)]) == "malformed_evidence")
        #expect(await code(["report_data": .string(text)]) == "malformed_evidence")
        #expect(await code(["svn": "1", "report_data": 7]) == "malformed_evidence")
        #expect(await code("svn") == "malformed_evidence")
    }

    @Test("recorded attestations verify with their devices")
    func recorded() async throws {
        for json in try recordedCases("0.1.0.json") + recordedCases("0.4.0.json") {
            let challenge = try #require(json[pointer: "/challenge/nonce"])
            let version = try #require(json[pointer: "/request/version"])
            let request = try AttestRequest(
                parsing: Array(#require(json["attestation_raw"]?.stringValue).utf8),
                session: session(["version": version, "tee": "sample", "nonce": challenge]))
            let claims = try await registry.verify(
                primary: request.primary, devices: request.devices, binding: request.binding,
                deviceBinding: request.deviceBinding, context: context)
            #expect(claims.map(\.tee) == [.sample] + request.devices.map(\.tee))
            #expect(claims.map(\.deviceClass) == [.cpu] + request.devices.map { _ in .gpu })
            #expect(
                claims[0].claims["init_data"] == request.initData.map { .string(Base64.encode($0.digest)) })
        }
    }

    @Test("every recorded attack fails at the latest when its evidence is verified")
    func negative() async throws {
        let attacks = try #require(Vectors.json("negative.json")["attestations"]?.arrayValue)
        #expect(attacks.count == 11)
        for attack in attacks {
            await #expect(throws: (any Error).self, "\(attack["name"]?.stringValue ?? "")") {
                let request = try AttestRequest(
                    parsing: #require(attack["attestation"]).serialized(), session: session(#require(attack["session"]))
                )
                _ = try await registry.verify(
                    primary: request.primary, devices: request.devices, binding: request.binding,
                    deviceBinding: request.deviceBinding, context: context)
            }
        }
    }

    @Test("A9: evidence for one key is refused beside another key")
    func swappedKey() async throws {
        let recorded = try #require(recordedCases("0.4.0.json").first)
        var body = try #require(recorded["attestation"]?.objectValue)
        let modulus = Base64.encodeURL([0x80] + [UInt8](repeating: 1, count: 255))
        let attackersKey: JSONValue = ["kty": "RSA", "alg": "RSA-OAEP-256", "n": .string(modulus), "e": "AQAB"]
        let nonce = try #require(recorded[pointer: "/challenge/nonce"])
        body["runtime-data"] = ["nonce": nonce, "tee-pubkey": attackersKey]
        let request = try AttestRequest(
            parsing: JSONValue.object(body).serialized(),
            session: session(["version": "0.4.0", "tee": "sample", "nonce": nonce]))
        let error = await #expect(throws: VerificationError.self) {
            try await registry.verify(
                primary: request.primary, binding: request.binding, deviceBinding: request.deviceBinding,
                context: context)
        }
        #expect(error?.code == "report_data_mismatch")
    }

    @Test("a device's evidence counts only for the device digest")
    func deviceBinding() async throws {
        let device = Evidence(
            tee: .sampledevice, content: ["svn": "2", "report_data": .string(Base64.encode(digest))])
        let primary = Evidence(tee: .sample, content: ["svn": "1", "report_data": .string(Base64.encode([7]))])
        let claims = try await registry.verify(
            primary: primary, devices: [device], binding: EvidenceBinding(reportData: [[7]]),
            deviceBinding: EvidenceBinding(reportData: [digest]), context: context)
        #expect(claims[1].claims == ["svn": "2", "report_data": .string(Base64.encode(digest))])
        await #expect(throws: VerificationError.self) {
            try await registry.verify(
                primary: primary, devices: [device], binding: EvidenceBinding(reportData: [[7], digest]),
                deviceBinding: EvidenceBinding(reportData: [[7]]), context: context)
        }
    }
}
