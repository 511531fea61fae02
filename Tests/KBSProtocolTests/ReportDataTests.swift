import Encodings
import KBSProtocol
import Testing

@Suite("Report data")
struct ReportDataTests {
    private static let algorithms: [(String, HashAlgorithm)] = [
        ("sha256", .sha256), ("sha384", .sha384), ("sha512", .sha512),
    ]

    @Test(
        "KBS 12.2.9: recorded documents give their recorded digests",
        arguments: [
            "primary_no_devices", "device", "primary_with_sampledevice", "primary_no_devices_rsa",
            "primary_no_devices_akp",
        ])
    func generated(name: String) throws {
        let vector = try #require(Vectors.json("report-data-vectors.json")[name])
        for (member, algorithm) in Self.algorithms {
            let digest = try ReportData.digest(
                nonce: #require(vector[pointer: "/input/nonce"]?.stringValue),
                teeKey: #require(vector[pointer: "/input/tee-pubkey"]?.objectValue),
                additionalEvidence: vector[pointer: "/input/additional-evidence"]?.stringValue, hash: algorithm)
            #expect(Hex.encode(digest) == vector[member]?.stringValue)
        }
    }

    @Test("GC 27, GC 28: the guest vectors' digests, additional evidence taken verbatim")
    func guestVectors() throws {
        let vectors = try Vectors.json("guest-report-data-vectors.json")
        let nonce = try #require(vectors["nonce"]?.stringValue)
        let key = try #require(vectors["tee-pubkey"]?.objectValue)
        let cases = try #require(vectors["cases"]?.arrayValue)
        #expect(cases.count == 6)
        for vector in cases {
            let algorithm = try #require(vector["hash"]?.stringValue.flatMap(HashAlgorithm.init(rawValue:)))
            let additional = try #require(vector["additional_evidence"]?.stringValue)
            let primary = try ReportData.digest(
                nonce: nonce, teeKey: key, additionalEvidence: additional, hash: algorithm)
            let device = try ReportData.digest(nonce: nonce, teeKey: key, additionalEvidence: nil, hash: algorithm)
            #expect(Hex.encode(primary) == vector["primary_report_data_hex"]?.stringValue)
            #expect(Hex.encode(device) == vector["device_report_data_hex"]?.stringValue)

            let session = SessionParameters(version: .v0_4_0, tee: .sample, nonce: nonce, hash: algorithm)
            let request = try AttestRequest(
                parsing: #require(vector["attest_body"]).serialized(), session: session)
            #expect(request.reportDataCandidates == [primary])
            #expect(request.deviceReportData == device)
        }
    }

    @Test("GC 27: the reference client's document has its canonical form and digest")
    func canonicalForm() throws {
        let vector = try Vectors.json("runtime-data-jcs.json")
        let canonical = try #require(vector["input"]).canonical()
        #expect(String(decoding: canonical, as: UTF8.self) == vector["jcs"]?.stringValue)
        #expect(Hex.encode(HashAlgorithm.sha384.digest(of: canonical)) == vector["sha384"]?.stringValue)
    }

    @Test("A8: the digest covers the received members and no re-serialised variant of them")
    func variants() throws {
        let key: JSONObject = ["kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "AAAA", "y": "BBBB"]
        let digest = try ReportData.digest(nonce: "n", teeKey: key, additionalEvidence: "{}")
        let variants: [(String, JSONObject, String?)] = [
            ("n ", key, "{}"), ("n", key, "{ }"), ("n", key, ""), ("n", key, nil),
            ("n", ["kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "AAA", "y": "BBBB"], "{}"),
            ("n", ["kty": "EC", "crv": "P-256", "x": "AAAA", "y": "BBBB"], "{}"),
        ]
        for (nonce, key, additional) in variants {
            #expect(try ReportData.digest(nonce: nonce, teeKey: key, additionalEvidence: additional) != digest)
        }
        #expect(try ReportData.digest(nonce: "n", teeKey: key.sorted(), additionalEvidence: "{}") == digest)
    }

    @Test("SM3 gives the digests of the standard's examples")
    func sm3() {
        #expect(
            Hex.encode(HashAlgorithm.sm3.digest(of: Array("abc".utf8)))
                == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
        let repeated = Array(String(repeating: "abcd", count: 16).utf8)
        #expect(
            Hex.encode(HashAlgorithm.sm3.digest(of: repeated))
                == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")
        #expect(
            Hex.encode(HashAlgorithm.sm3.digest(of: []))
                == "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b")
    }

    @Test(
        "SM3 pads messages of every length",
        arguments: [
            (55, "288337eef51eec62e7544d7270424c8dbe656254c99852870a73b2453a6a7fb1"),
            (56, "ba00ebedaab54065a5fd4f9f56326016203166bcee3eed44ea868d59d67aa3c8"),
            (64, "616ec433c359e7c2b19f360e2b8f2a1b6e9ed76b8dc1a7d207b31a5341c611e9"),
            (119, "53282a90724e9eb79b18d06b5b8f7f02d046e18b29247dcdb064a136d5c4459a"),
            (1000, "f4bedca973227d45c5b822551d2e762d4cfb0e9af70b241452545727b5fb046f"),
        ])
    func sm3Padding(count: Int, digest: String) {
        #expect(Hex.encode(HashAlgorithm.sm3.digest(of: [UInt8](repeating: 0x61, count: count))) == digest)
    }
}
