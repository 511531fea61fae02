import Encodings
import KBSProtocol
import RATS
import Testing

/// One recorded handshake of one guest dialect.
struct RecordedCase: Sendable, CustomTestStringConvertible {
    let version: String
    let json: JSONValue

    var testDescription: String { json["case"]?.stringValue ?? version }
    var isConcatenated: Bool { ["0.1.0-a", "0.1.0-b"].contains(testDescription) }

    func text(_ pointer: String) throws -> String {
        try #require(json[pointer: pointer]?.stringValue)
    }

    func session(concatenatedBinding: Bool) throws -> SessionParameters {
        SessionParameters(
            version: try #require(ProtocolVersion(rawValue: version)), tee: .sample,
            nonce: try text("/challenge/nonce"), concatenatedBinding: concatenatedBinding)
    }

    static let all: [RecordedCase] = ProtocolVersion.allCases.flatMap { version in
        let file = try? Vectors.json("versions/\(version.rawValue).json")
        return (file?["cases"]?.arrayValue ?? []).map { RecordedCase(version: version.rawValue, json: $0) }
    }
}

@Suite("Recorded handshakes of every dialect")
struct VersionVectorTests {
    private let everyVersion = ProtocolPolicy(enabled: Set(ProtocolVersion.allCases))

    @Test("all eleven recordings are there")
    func complete() {
        #expect(RecordedCase.all.count == 11)
    }

    @Test("the request is read and written as the guest writes it", arguments: RecordedCase.all)
    func request(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/request_raw").utf8)
        let request = try AuthRequest(parsing: raw, policy: everyVersion)
        #expect(request.version.rawValue == recorded.version)
        #expect(request.tee == .sample)
        #expect(request.serialized() == raw)
    }

    @Test("the challenge is read and written as the server writes it", arguments: RecordedCase.all)
    func challenge(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/challenge_raw").utf8)
        let challenge = try Challenge(parsing: raw)
        #expect(challenge.serialized() == raw)
        #expect(try challenge.hashAlgorithm() == .sha384)
    }

    @Test("the attestation's candidates contain the recorded digest", arguments: RecordedCase.all)
    func attestation(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/attestation_raw").utf8)
        let request = try AttestRequest(parsing: raw, session: recorded.session(concatenatedBinding: true))
        let digest = try Hex.decode(recorded.text("/binding/digest_hex"))
        let isTyped010 = ["0.1.0-b", "0.1.0-c"].contains(recorded.testDescription)
        #expect(request.candidates.count == (isTyped010 ? 2 : 1))
        let index = try #require(request.binding.candidate(equalTo: digest))
        let expected =
            recorded.isConcatenated ? "concat" : recorded.version < "0.3.0" ? "json2" : "json3"
        #expect(request.dialect(matching: index) == expected)
        #expect(try request.binding.candidate(filling: Hex.decode(recorded.text("/binding/padded64_hex"))) == index)
        #expect(request.primary.content == recorded.json["evidence"])
        if let device = recorded.json[pointer: "/binding/device_binding/digest_hex"]?.stringValue {
            #expect(try request.deviceReportData == Hex.decode(device))
            #expect(request.devices.map(\.tee) == [.sampledevice])
        } else {
            #expect(request.devices.isEmpty)
        }
        if let digest = recorded.json[pointer: "/init_data_digest/hex"]?.stringValue {
            #expect(try request.initData?.digest == Hex.decode(digest))
            #expect(request.binding.initDataDigest == request.initData?.digest)
        } else {
            #expect(request.initData == nil)
        }
    }

    @Test("the normalised key is complete and in base64url", arguments: RecordedCase.all)
    func normalisedKey(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/attestation_raw").utf8)
        let request = try AttestRequest(parsing: raw, session: recorded.session(concatenatedBinding: true))
        #expect(request.runtimeData["tee-pubkey"] == .object(request.teeKey))
        #expect(
            request.deviceRuntimeData == [
                "nonce": .string(try recorded.text("/challenge/nonce")),
                "tee-pubkey": .object(request.teeKey),
            ])
        if recorded.testDescription == "0.1.0-a" {
            let modulus = try Base64.decode(recorded.text("/tee_pubkey/n"))
            #expect(
                request.teeKey == [
                    "kty": "RSA", "alg": "RSA1_5", "n": .string(Base64.encodeURL(modulus)), "e": "AQAB",
                ])
        } else {
            #expect(JSONValue.object(request.teeKey) == recorded.json["tee_pubkey"])
        }
    }

    @Test("without the switch for it, the concatenated binding is no candidate", arguments: RecordedCase.all)
    func concatenationIsOff(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/attestation_raw").utf8)
        let session = try recorded.session(concatenatedBinding: false)
        let digest = try Hex.decode(recorded.text("/binding/digest_hex"))
        switch recorded.testDescription {
        case "0.1.0-a":
            let error = #expect(throws: KBSProtocolError.self) { try AttestRequest(parsing: raw, session: session) }
            #expect(error?.code == "binding_not_enabled")
        case "0.1.0-b":
            #expect(try AttestRequest(parsing: raw, session: session).binding.candidate(equalTo: digest) == nil)
        default:
            let request = try AttestRequest(parsing: raw, session: session)
            #expect(request.reportDataCandidates == [digest])
        }
    }

    @Test("a body recorded in one version is refused in the session of another shape", arguments: RecordedCase.all)
    func otherShape(recorded: RecordedCase) throws {
        let raw = Array(try recorded.text("/attestation_raw").utf8)
        let shape: [ProtocolVersion: Int] = [.v0_1_0: 0, .v0_1_1: 1, .v0_2_0: 1, .v0_3_0: 2, .v0_4_0: 3]
        for version in ProtocolVersion.allCases
        where shape[version] != shape[ProtocolVersion(rawValue: recorded.version) ?? .v0_1_0] {
            let session = SessionParameters(
                version: version, tee: .sample, nonce: try recorded.text("/challenge/nonce"), concatenatedBinding: true)
            let error = #expect(throws: KBSProtocolError.self) { try AttestRequest(parsing: raw, session: session) }
            #expect(error?.code == "mixed_shape")
        }
    }

    @Test("the body that a guest of today writes is the recorded one", arguments: RecordedCase.all)
    func guestBody(recorded: RecordedCase) throws {
        guard recorded.version == "0.4.0" else { return }
        let recordedBody = try #require(recorded.json["attestation"])
        let body = AttestationBody(
            nonce: try recorded.text("/challenge/nonce"),
            teeKey: try #require(recorded.json["tee_pubkey"]?.objectValue),
            primaryEvidence: try #require(recordedBody[pointer: "/tee-evidence/primary_evidence"]),
            additionalEvidence: try recorded.text("/attestation/tee-evidence/additional_evidence"),
            initData: recordedBody[pointer: "/init-data/body"]?.stringValue)
        #expect(try JSONValue(parsing: body.serialized()) == recordedBody)
    }

    @Test("0.1.1 negotiates other hashes, and the session's hash decides")
    func hashNegotiation() throws {
        let recorded = try #require(RecordedCase.all.first { $0.version == "0.1.1" })
        let raw = Array(try recorded.text("/attestation_raw").utf8)
        for algorithm in [HashAlgorithm.sha256, .sha512] {
            let session = SessionParameters(
                version: .v0_1_1, tee: .sample, nonce: try recorded.text("/challenge/nonce"), hash: algorithm)
            let expected = algorithm.digest(of: Array(try recorded.text("/binding/input_utf8").utf8))
            #expect(try AttestRequest(parsing: raw, session: session).reportDataCandidates == [expected])
        }
    }

    @Test("the layout of an unrelated shell client gives its recorded digest")
    func thirdParty() throws {
        let vector = try Vectors.json("versions/third-party-binding.json")
        let input = try JSONValue(parsing: #require(vector[pointer: "/binding/input_utf8"]?.stringValue))
        let digest = try ReportData.digest(
            nonce: #require(input["nonce"]?.stringValue), teeKey: #require(input["tee-pubkey"]?.objectValue),
            additionalEvidence: nil)
        #expect(Hex.encode(digest) == vector[pointer: "/binding/digest_hex"]?.stringValue)
    }
}
