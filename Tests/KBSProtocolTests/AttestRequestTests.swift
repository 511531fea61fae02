import Encodings
import KBSProtocol
import RATS
import Testing

@Suite("Attestation")
struct AttestRequestTests {
    private static let nonce = "ESPeob7e1qyY2YFbJSOCGwz6TdrNgQ54QKGaLV+kmxM="
    private static let key =
        #"{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"easOEy0PPyHJygcfnoANRtdll5i1xztMHOTCJ2kMB2w","#
        + #""y":"N5mi1LUFzW8CrO-27mRy8Ly13y_xxDG8BGX0WEvAm4c"}"#
    private static let runtimeData = #"{"nonce":"\#(nonce)","tee-pubkey":\#(key)}"#
    private static let evidence = #"{"primary_evidence":{"svn":"1"},"additional_evidence":""}"#

    private func read(
        initData: String? = "null", runtimeData: String? = Self.runtimeData, evidence: String? = Self.evidence,
        more: String = "", tee: TEE = .sample
    ) throws -> AttestRequest {
        let members = [
            initData.map { #""init-data":\#($0)"# }, runtimeData.map { #""runtime-data":\#($0)"# },
            evidence.map { #""tee-evidence":\#($0)"# }, more.isEmpty ? nil : more,
        ].compactMap { $0 }
        return try AttestRequest(
            parsing: Array("{\(members.joined(separator: ","))}".utf8),
            session: SessionParameters(version: .v0_4_0, tee: tee, nonce: Self.nonce))
    }

    private func code(_ body: () throws -> AttestRequest) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? KBSProtocolError)?.code
        }
    }

    private func additional(_ text: String) -> String {
        #"{"primary_evidence":{},"additional_evidence":\#(JSONValue.string(text).serializedString())}"#
    }

    @Test("a plain attestation is read; init-data may be null or missing")
    func plain() throws {
        #expect(try read().devices.isEmpty)
        #expect(try read(initData: nil).initData == nil)
        #expect(try read(more: #""unknown":1"#).version == .v0_4_0)
        #expect(try read().runtimeData.names == ["additional-evidence", "nonce", "tee-pubkey"])
        #expect(try read().dialect == "json3")
    }

    @Test("a body of another shape is refused")
    func shapes() {
        #expect(code { try read(runtimeData: nil) } == "mixed_shape")
        #expect(code { try read(evidence: nil) } == "mixed_shape")
        #expect(code { try read(more: #""tee-pubkey":\#(Self.key)"#) } == "mixed_shape")
        #expect(code { try read(evidence: #"{"svn":"1"}"#) } == "mixed_shape")
        #expect(code { try read(evidence: #""{}""#) } == "mixed_shape")
        #expect(code { try read(evidence: #"{"primary_evidence":{},"additional_evidence":null}"#) } == "mixed_shape")
        #expect(code { try read(evidence: #"{"primary_evidence":{},"additional_evidence":{}}"#) } == "mixed_shape")
    }

    @Test("the nonce must be the session's, byte for byte")
    func nonce() {
        for other in [Self.nonce + " ", "", String(Self.nonce.dropLast()), Self.nonce.lowercased()] {
            let runtimeData = #"{"nonce":"\#(other)","tee-pubkey":\#(Self.key)}"#
            #expect(code { try read(runtimeData: runtimeData) } == "nonce_mismatch")
        }
        #expect(code { try read(runtimeData: #"{"tee-pubkey":\#(Self.key)}"#) } == "malformed_message")
        #expect(code { try read(runtimeData: #"{"nonce":"\#(Self.nonce)"}"#) } == "malformed_message")
    }

    @Test("devices come as a JSON text of known kinds, each once")
    func devices() throws {
        let request = try read(evidence: additional(#"{"nvidia":{"a":1},"tpm":{},"dpu":{}}"#))
        #expect(request.devices.map(\.tee) == [.nvidia, .tpm, .nvidiaDPU])
        #expect(request.devices[0].content == ["a": 1])
        #expect(request.deviceBinding == EvidenceBinding(reportData: [request.deviceReportData]))
        #expect(request.deviceReportData != request.reportDataCandidates[0])

        #expect(code { try read(evidence: additional(#"{"gpu":{}}"#)) } == "unknown_device")
        #expect(code { try read(evidence: additional(#"{"snp":{}}"#)) } == "unknown_device")
        #expect(code { try read(evidence: additional(#"{"dpu":{},"nvidia-dpu":{}}"#)) } == "unknown_device")
        #expect(code { try read(evidence: additional(#"{"nvidia":{},"nvidia":{}}"#)) } == "malformed_message")
        #expect(code { try read(evidence: additional("[]")) } == "malformed_message")
        #expect(code { try read(evidence: additional(" ")) } == "malformed_message")
    }

    @Test("a device is never of the kind that stands for the guest", arguments: [TEE.tpm, .hygondcu])
    func deviceLikePrimary(tee: TEE) throws {
        let evidence = additional(#"{"\#(tee.rawValue)":{}}"#)
        #expect(code { try read(evidence: evidence, tee: tee) } == "unknown_device")
        #expect(try read(evidence: evidence, tee: .snp).devices.map(\.tee) == [tee])
    }

    @Test("the session's TEE must be able to stand for a guest")
    func primaryTEE() throws {
        #expect(try read(tee: .se).binding.reportData[0].count == 64)
        #expect(code { try read(tee: .nvidia) } == "tee_not_allowed")
        #expect(code { try read(tee: .sampledevice) } == "tee_not_allowed")
    }

    @Test("A16: init-data needs a format and a body, and the format is TOML")
    func initData() throws {
        let body = JSONValue.string("version='1'\nalgorithm='sha256'\n[data]\n").serializedString()
        #expect(try read(initData: #"{"format":"toml","body":\#(body)}"#).initData?.claims == [:])
        #expect(code { try read(initData: #"{"body":\#(body)}"#) } == "init_data_refused")
        #expect(code { try read(initData: #"{"format":"toml"}"#) } == "init_data_refused")
        #expect(code { try read(initData: #"{"format":"toml","body":null}"#) } == "init_data_refused")
        #expect(code { try read(initData: #"{"format":"json","body":\#(body)}"#) } == "init_data_refused")
        #expect(code { try read(initData: body) } == "init_data_refused")
        #expect(code { try read(initData: #"{"format":"toml","body":""}"#) } == "init_data_refused")
    }

    @Test("GC 29: a guest without init-data sends null")
    func guestBody() {
        let body = AttestationBody(nonce: "n", teeKey: ["kty": "EC"], primaryEvidence: ["svn": "1"])
        #expect(
            String(decoding: body.serialized(), as: UTF8.self)
                == #"{"init-data":null,"runtime-data":{"nonce":"n","tee-pubkey":{"kty":"EC"}},"#
                + #""tee-evidence":{"primary_evidence":{"svn":"1"},"additional_evidence":""}}"#)
    }

    @Test("the recorded transcript of a whole handshake is read")
    func transcript() throws {
        let transcript = try Vectors.json("rcar-transcript-sample.json")
        for (member, digestMember) in [
            ("3_attestation", "0YeC690i0z4DztevPboW8pW75nFXm0Jsrceh086PS4W8FKKzwZ1Ox5fqk0sNlaOu"),
            (
                "3b_attestation_with_init_data_and_device",
                "Jgzhb1NauTFgrz2yUmIwpsc5G2IMYiNdWFKdznw7JTcMrus6FIR6vM6DtkekY+GZ"
            ),
        ] {
            let request = try AttestRequest(
                parsing: #require(transcript[member]).serialized(),
                session: SessionParameters(version: .v0_4_0, tee: .sample, nonce: Self.nonce))
            #expect(try request.reportDataCandidates == [Base64.decode(digestMember)])
            if let initData = request.initData {
                #expect(Hex.encode(initData.digest) == transcript[pointer: "/init_data_digest/hex"]?.stringValue)
                #expect(initData.claims["hello.txt"] == "world")
                #expect(initData.claims["aa.toml"]?["token_configs"]?["kbs"]?["url"] == "http://kbs:8080")
            }
        }
        let request = try #require(transcript["1_request"]).serialized()
        #expect(try AuthRequest(parsing: request).serialized() == request)
    }
}
