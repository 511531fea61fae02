import Encodings
import KBSProtocol
import RATS
import Testing

@Suite("TEE keys")
struct TEEKeyTests {
    private static let nonce = "ESPeob7e1qyY2YFbJSOCGwz6TdrNgQ54QKGaLV+kmxM="
    private static let ec: JSONObject = [
        "kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "easOEy0PPyHJygcfnoANRtdll5i1xztMHOTCJ2kMB2w",
        "y": "N5mi1LUFzW8CrO-27mRy8Ly13y_xxDG8BGX0WEvAm4c",
    ]

    private func read(_ key: JSONObject, version: ProtocolVersion = .v0_4_0) throws -> AttestRequest {
        let evidence: JSONValue = ["svn": "1"]
        let body: JSONValue =
            switch version {
            case .v0_4_0:
                [
                    "init-data": .null, "runtime-data": ["nonce": .string(Self.nonce), "tee-pubkey": .object(key)],
                    "tee-evidence": ["primary_evidence": evidence, "additional_evidence": ""],
                ]
            case .v0_3_0:
                [
                    "tee-pubkey": .object(key),
                    "tee-evidence": ["primary_evidence": evidence, "additional_evidence": ""],
                ]
            case .v0_1_0: ["tee-pubkey": .object(key), "tee-evidence": .string(evidence.serializedString())]
            default: ["tee-pubkey": .object(key), "tee-evidence": evidence]
            }
        return try AttestRequest(
            parsing: body.serialized(),
            session: SessionParameters(
                version: version, tee: .sample, nonce: Self.nonce, concatenatedBinding: true))
    }

    private func expectRefused(_ key: JSONObject, version: ProtocolVersion, _ comment: Comment? = nil) {
        let error = #expect(throws: KBSProtocolError.self, comment) { try read(key, version: version) }
        #expect(error?.code == "tee_key_refused", comment)
    }

    private func rsa(_ algorithm: String, bytes: Int = 256, first: UInt8 = 0x80, last: UInt8 = 1) -> JSONObject {
        var modulus = [UInt8](repeating: 0x5a, count: bytes)
        modulus[0] = first
        modulus[bytes - 1] = last
        return ["kty": "RSA", "alg": .string(algorithm), "n": .string(Base64.encodeURL(modulus)), "e": "AQAB"]
    }

    private func changing(_ key: JSONObject, _ name: String, to value: JSONValue?) -> JSONObject {
        var result = key
        result[name] = value
        return result
    }

    @Test("keys broken by the padding defect are repaired, and hashed as they were sent")
    func paddingDefect() throws {
        let vectors = try #require(Vectors.json("versions/ec-padding-defect.json")["cases"]?.arrayValue)
        #expect(vectors.count == 2)
        for vector in vectors {
            let sent = try #require(vector["jwk_sent_by_client"]?.objectValue)
            let correct = try #require(vector["jwk_correct"]?.objectValue)
            for (version, binding) in [(ProtocolVersion.v0_2_0, "binding_0_2_0"), (.v0_4_0, "binding_0_4_0")] {
                let request = try read(sent, version: version)
                #expect(request.teeKey == correct)
                #expect(request.runtimeData["tee-pubkey"] == .object(correct))
                let digest = try Hex.decode(#require(vector[binding]?["digest_hex"]?.stringValue))
                #expect(request.reportDataCandidates == [digest])
                let device = try Hex.decode(#require(vector["binding_0_2_0"]?["digest_hex"]?.stringValue))
                #expect(request.deviceReportData == device, "devices hash the key as sent, too")
            }
        }
    }

    @Test("a point that no repair brings back to the curve is refused")
    func offCurve() throws {
        var y = try Base64.decodeURL(#require(Self.ec["y"]?.stringValue))
        y[0] ^= 1
        expectRefused(changing(Self.ec, "y", to: .string(Base64.encodeURL(y))), version: .v0_4_0)
        y = Array(y.dropLast(3)) + Array("000".utf8)
        expectRefused(changing(Self.ec, "y", to: .string(Base64.encodeURL(y))), version: .v0_4_0)
        let zero = JSONValue.string(Base64.encodeURL([UInt8](repeating: 0, count: 32)))
        expectRefused(changing(changing(Self.ec, "x", to: zero), "y", to: zero), version: .v0_4_0)
    }

    @Test("elliptic-curve keys are accepted exactly as guests write them")
    func ellipticCurvePins() throws {
        #expect(try read(Self.ec).teeKey == Self.ec)
        #expect(try read(Self.ec, version: .v0_2_0).teeKey == Self.ec)
        let broken: [(String, JSONValue?)] = [
            ("alg", "ECDH-ES"), ("alg", nil), ("kty", "OKP"), ("kty", nil), ("crv", "P-384"), ("crv", "p-256"),
            ("x", "easOEy0PPyHJygcfnoANRtdll5i1xztMHOTCJ2kMB2w="), ("x", "easOEy0PPyHJygcfnoANRtdll5i1xztMHOTCJ2kMB2x"),
            ("x", " easOEy0PPyHJygcfnoANRtdll5i1xztMHOTCJ2kMB2w"), ("x", "AA"), ("x", 7), ("x", nil),
            ("y", "N5mi1LUFzW8CrO+27mRy8Ly13y/xxDG8BGX0WEvAm4c"), ("kid", "more"),
        ]
        for (name, value) in broken {
            expectRefused(changing(Self.ec, name, to: value), version: .v0_4_0, "\(name)")
        }
    }

    @Test("P-521 and ML-KEM keys exist in 0.4.0 only")
    func youngerKeys() throws {
        let vectors = try Vectors.json("report-data-vectors.json")
        let kem = try #require(vectors[pointer: "/primary_no_devices_akp/input/tee-pubkey"]?.objectValue)
        #expect(try read(kem).teeKey == kem)
        expectRefused(kem, version: .v0_2_0)
        expectRefused(changing(kem, "pub", to: "AAAA"), version: .v0_4_0)
        expectRefused(changing(kem, "alg", to: "ML-KEM-512"), version: .v0_4_0)

        // The base point of P-521 (SEC 2, section 2.6.1).
        let x = try Hex.decode(
            "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66"
        )
        let y = try Hex.decode(
            "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650"
        )
        let p521: JSONObject = [
            "kty": "EC", "crv": "P-521", "alg": "ECDH-ES+A256KW", "x": .string(Base64.encodeURL(x)),
            "y": .string(Base64.encodeURL(y)),
        ]
        #expect(try read(p521).teeKey == p521)
        expectRefused(p521, version: .v0_2_0)
        expectRefused(p521, version: .v0_3_0)
        expectRefused(changing(p521, "y", to: p521["x"]), version: .v0_4_0)
    }

    @Test("RSA keys of 0.2.0 and later are for OAEP with SHA-256 only")
    func rsaPins() throws {
        #expect(throws: Never.self) { try read(rsa("RSA-OAEP-256")) }
        #expect(throws: Never.self) { try read(rsa("RSA-OAEP-256", bytes: 512), version: .v0_2_0) }
        for version in [ProtocolVersion.v0_2_0, .v0_3_0, .v0_4_0] {
            expectRefused(rsa("RSA1_5"), version: version)
            expectRefused(rsa("RSA-OAEP"), version: version)
            expectRefused(rsa("RSA-OAEP-256", bytes: 128), version: version)
            expectRefused(rsa("RSA-OAEP-256", first: 0x7f), version: version)
            expectRefused(rsa("RSA-OAEP-256", last: 2), version: version)
            expectRefused(changing(rsa("RSA-OAEP-256"), "e", to: "Aw"), version: version)
            expectRefused(changing(rsa("RSA-OAEP-256"), "kty", to: nil), version: version)
        }
    }

    @Test("keys of 0.1 are RSA with 2048 bits, exponent 65537 and PKCS#1 v1.5 only")
    func legacyPins() throws {
        for version in [ProtocolVersion.v0_1_0, .v0_1_1] {
            #expect(throws: Never.self) { try read(rsa("RSA1_5"), version: version) }
            expectRefused(rsa("RSA-OAEP-256"), version: version)
            expectRefused(Self.ec, version: version)
            expectRefused(rsa("RSA1_5", bytes: 384), version: version)
            expectRefused(rsa("RSA1_5", bytes: 255), version: version)
            expectRefused(rsa("RSA1_5", first: 0x40), version: version)
            expectRefused(rsa("RSA1_5", last: 0x10), version: version)
            expectRefused(changing(rsa("RSA1_5"), "e", to: "AQABAA"), version: version)
            expectRefused(changing(rsa("RSA1_5"), "use", to: "enc"), version: version)
        }
        let modulus = Base64.encode([0xff] + [UInt8](repeating: 0xfb, count: 255))
        let untyped: JSONObject = ["alg": "RSA1_5", "n": .string(modulus), "e": "AQAB"]
        #expect(throws: Never.self) { try read(untyped, version: .v0_1_0) }
        expectRefused(untyped, version: .v0_1_1)
        expectRefused(changing(untyped, "kty", to: "RSA"), version: .v0_1_0, "a typed key is in base64url")
        expectRefused(changing(rsa("RSA1_5"), "kty", to: nil), version: .v0_1_0, "an untyped key is padded")
    }

    @Test("A9: a key swapped in the body changes the digest that evidence must carry")
    func swappedKey() throws {
        let first = try read(Self.ec)
        let second = try read(rsa("RSA-OAEP-256"))
        #expect(first.reportDataCandidates != second.reportDataCandidates)
        #expect(first.deviceReportData != second.deviceReportData)
        #expect(second.binding.candidate(equalTo: first.reportDataCandidates[0]) == nil)
    }
}
