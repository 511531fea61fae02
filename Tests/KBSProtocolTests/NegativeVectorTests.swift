import Encodings
import KBSProtocol
import RATS
import Testing

@Suite("Recorded attacks on the handshake")
struct NegativeVectorTests {
    /// The code that each recorded attestation is refused with; the two without one carry the wrong digest.
    private static let reasons: [String: String?] = [
        "newer evidence in an older session": nil,
        "older evidence in a newer session": nil,
        "device evidence promoted to primary": "tee_not_allowed",
        "concatenation boundary shift": "tee_key_refused",
        "string evidence after 0.1.0": "mixed_shape",
        "object evidence in 0.1.0": "mixed_shape",
        "alg swapped in a concatenation-era key": "tee_key_refused",
        "two shapes at once": "mixed_shape",
        "nonce of another session": "nonce_mismatch",
        "RSA1_5 key in a 0.2.0 session": "tee_key_refused",
        "EC key in a 0.1.1 session": "tee_key_refused",
    ]

    @Test("every recorded attack is refused for the right reason")
    func attestations() throws {
        let recorded = try #require(Vectors.json("versions/negative.json")["attestations"]?.arrayValue)
        #expect(recorded.count == Self.reasons.count)
        for attack in recorded {
            let name = try #require(attack["name"]?.stringValue)
            let reason = try #require(Self.reasons[name], "\(name)")
            let session = SessionParameters(
                version: try #require(
                    attack[pointer: "/session/version"]?.stringValue.flatMap(ProtocolVersion.init(rawValue:))),
                tee: try #require(attack[pointer: "/session/tee"]?.stringValue.flatMap(TEE.init(wireName:))),
                nonce: try #require(attack[pointer: "/session/nonce"]?.stringValue), concatenatedBinding: true)
            let body = try #require(attack["attestation"]).serialized()
            if let reason {
                let error = #expect(throws: KBSProtocolError.self, "\(name)") {
                    try AttestRequest(parsing: body, session: session)
                }
                #expect(error?.code == reason, "\(name)")
            } else {
                let request = try AttestRequest(parsing: body, session: session)
                let sent = try Base64.decode(#require(request.primary.content["report_data"]?.stringValue))
                #expect(request.binding.candidate(equalTo: sent) == nil, "\(name)")
            }
        }
    }

    @Test("recorded versions are accepted and refused as listed")
    func versions() throws {
        let everyVersion = ProtocolPolicy(enabled: Set(ProtocolVersion.allCases))
        for entry in try #require(Vectors.json("versions/negative.json")["request_versions"]?.arrayValue) {
            let version = try #require(entry["version"]?.stringValue)
            let body = JSONValue.object(["version": .string(version), "tee": "snp", "extra-params": ""]).serialized()
            if entry["expect"]?.stringValue?.hasPrefix("accept") == true {
                #expect(throws: Never.self, "\(version)") { try AuthRequest(parsing: body, policy: everyVersion) }
            } else {
                let error = #expect(throws: KBSProtocolError.self, "\(version)") {
                    try AuthRequest(parsing: body, policy: everyVersion)
                }
                #expect(error?.code == "version_mismatch")
            }
        }
    }

    @Test("recorded TEE names are mapped or refused as listed")
    func teeNames() throws {
        for entry in try #require(Vectors.json("versions/negative.json")["tee_names"]?.arrayValue) {
            let name = try #require(entry["wire"]?.stringValue)
            let body = JSONValue.object(["version": "0.4.0", "tee": .string(name), "extra-params": ""]).serialized()
            if let canonical = entry["canonical"]?.stringValue {
                #expect(try AuthRequest(parsing: body).tee.rawValue == canonical)
            } else {
                let error = #expect(throws: KBSProtocolError.self) { try AuthRequest(parsing: body) }
                #expect(error?.code == "unknown_tee")
            }
        }
    }
}
