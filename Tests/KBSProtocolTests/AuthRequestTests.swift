import Encodings
import KBSProtocol
import RATS
import Testing

@Suite("Request and challenge")
struct AuthRequestTests {
    private func body(version: String = "0.4.0", tee: String = "snp") -> [UInt8] {
        JSONValue.object(["version": .string(version), "tee": .string(tee), "extra-params": ""]).serialized()
    }

    @Test(
        "KBS 12.1.3: another version is refused with the words that guests look for",
        arguments: ["0.3.0", "0.5.0", "1.0.0", "0.4", "v0.4.0", "", "0.4.0-rc1", "00.4.0", "0.4.0+", "0.4.0+a..b"])
    func versionMismatch(version: String) {
        let error = #expect(throws: KBSProtocolError.self) { try AuthRequest(parsing: body(version: version)) }
        #expect(error?.code == "version_mismatch")
        #expect(
            error?.message
                == "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is \(version)")
    }

    @Test("GC 40: version 0.3.0 is refused with the mismatch text")
    func unreleasedVersion() {
        let error = #expect(throws: KBSProtocolError.self) { try AuthRequest(parsing: body(version: "0.3.0")) }
        #expect(error?.message.contains("KBS Client Protocol Version Mismatch") == true)
    }

    @Test("a version that is no version is not quoted back")
    func unquotable() {
        let error = #expect(throws: KBSProtocolError.self) {
            try AuthRequest(parsing: body(version: "0.4.0\r\n\u{1b}[31m"))
        }
        #expect(error?.message.hasSuffix("while the request is unreadable") == true)
    }

    @Test("only enabled versions are served")
    func policy() throws {
        #expect(try AuthRequest(parsing: body(version: "0.2.0")).version == .v0_2_0)
        #expect(throws: KBSProtocolError.self) { try AuthRequest(parsing: body(version: "0.1.1")) }
        #expect(try AuthRequest(parsing: body(version: "0.1.1"), policy: .withLegacy).version == .v0_1_1)
        #expect(try AuthRequest(parsing: body(version: "0.1.0"), policy: .withLegacy).version == .v0_1_0)
        #expect(throws: KBSProtocolError.self) {
            try AuthRequest(parsing: body(version: "0.4.0"), policy: ProtocolPolicy(enabled: [.v0_2_0]))
        }
        #expect(try AuthRequest(parsing: body(version: "0.4.0+build.7")).version == .v0_4_0)
    }

    @Test("devices never stand for a guest; younger kinds only in 0.4.0")
    func primaryTEEs() throws {
        for version in ProtocolVersion.allCases {
            var policy = ProtocolPolicy(enabled: [version])
            #expect(throws: KBSProtocolError.self, "launches") {
                try AuthRequest(parsing: body(version: version.rawValue, tee: "sev"), policy: policy)
            }
            policy.launches = true
            for tee in TEE.allCases {
                let parse = {
                    try AuthRequest(parsing: body(version: version.rawValue, tee: tee.rawValue), policy: policy)
                }
                switch tee {
                case .nvidia, .sampledevice, .nvidiaDPU:
                    #expect(throws: KBSProtocolError.self, "\(tee)") { try parse() }
                case _ where [.tpm, .hygondcu, .se, .nitro, .svsmVTPM, .pef].contains(tee) && version != .v0_4_0:
                    #expect(throws: KBSProtocolError.self, "\(tee) \(version)") { try parse() }
                default:
                    #expect(throws: Never.self, "\(tee) \(version)") { try parse() }
                }
            }
        }
    }

    @Test(
        "incomplete and mistyped requests are refused",
        arguments: [
            #"{}"#, #"[]"#, #""#, #"{"version":"0.4.0","tee":"snp"}"#, #"{"version":4,"tee":"snp","extra-params":""}"#,
            #"{"version":"0.4.0","tee":1,"extra-params":""}"#, #"{"version":"0.4.0","extra-params":""}"#,
            #"{"version":"0.4.0","version":"0.4.0","tee":"snp","extra-params":""}"#,
            #"{"version":"0.4.0","tee":"snp","extra-params":""} x"#,
        ])
    func malformed(text: String) {
        let error = #expect(throws: KBSProtocolError.self) { try AuthRequest(parsing: Array(text.utf8)) }
        #expect(error?.code == "malformed_message")
    }

    @Test("unknown members are ignored and extra-params may be anything")
    func lenient() throws {
        let text = #"{"version":"0.4.0","tee":"snp","extra-params":null,"more":1}"#
        #expect(try AuthRequest(parsing: Array(text.utf8)).extraParameters == .null)
    }

    @Test("KBS 12.1.4: a guest's request offers all four hash algorithms")
    func guestRequest() {
        #expect(
            String(decoding: AuthRequest(tee: .snp).serialized(), as: UTF8.self)
                == #"{"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":"#
                + #"["sha256","sha384","sha512","sm3"]}}"#)
    }

    @Test("GC 25: the request names 0.4.0, the TEE and all hash algorithms")
    func guestRequestMembers() throws {
        let request = try AuthRequest(parsing: AuthRequest(tee: .tdx).serialized())
        #expect(request.version == .v0_4_0)
        #expect(request.tee == .tdx)
        #expect(request.extraParameters == AuthRequest.allHashAlgorithms)
    }

    @Test(
        "GC 26: the selected hash algorithm is found whatever its case, and SHA-384 is the default",
        arguments: [
            ("", .sha384), (.null, .sha384), ([:], .sha384), (["selected-hash-algorithm": "Sha512"], .sha512),
            (["selected-hash-algorithm": "SHA512"], .sha512), (["selected-hash-algorithm": "sm3"], .sm3),
            (["selected-hash-algorithm": "sha256"], .sha256),
        ] as [(JSONValue, HashAlgorithm)])
    func selectedHash(parameters: JSONValue, algorithm: HashAlgorithm) throws {
        #expect(try Challenge(nonce: "n", extraParameters: parameters).hashAlgorithm() == algorithm)
    }

    @Test(
        "GC 26: an unknown or mistyped selection is an error",
        arguments: [
            ("", "invalid_hash_algorithm"), ("foo", "invalid_hash_algorithm"), ([], "unexpected_type"),
            ([:], "unexpected_type"), (true, "unexpected_type"), (99999, "unexpected_type"),
            (42.141, "unexpected_type"),
        ] as [(JSONValue, String)])
    func badSelection(selected: JSONValue, code: String) {
        let challenge = Challenge(nonce: "n", extraParameters: ["selected-hash-algorithm": selected])
        let error = #expect(throws: KBSProtocolError.self) { try challenge.hashAlgorithm() }
        #expect(error?.code == code)
    }

    @Test("KBS 12.1.1: a nonce is the base64 of 32 bytes and never repeats")
    func freshNonces() throws {
        var seen: Set<String> = []
        for _ in 0..<2000 {
            let challenge = Challenge.fresh()
            #expect(challenge.nonce.utf8.count == 44)
            #expect(try Base64.decode(challenge.nonce).count == 32)
            #expect(challenge.extraParameters == "")
            seen.insert(challenge.nonce)
        }
        #expect(seen.count == 2000)
    }

    @Test("challenge, token and error objects survive their JSON form")
    func roundTrips() throws {
        let challenge = Challenge(nonce: "a\"b", extraParameters: ["selected-hash-algorithm": "sha512"])
        #expect(try Challenge(parsing: challenge.serialized()) == challenge)
        let response = AttestResponse(token: "a.b.c")
        #expect(try AttestResponse(parsing: response.serialized()) == response)
        #expect(throws: KBSProtocolError.self) { try AttestResponse(parsing: Array(#"{"token":1}"#.utf8)) }
        #expect(throws: KBSProtocolError.self) { try Challenge(parsing: Array("{}".utf8)) }

        let error = KBSErrorObject(.policyDeny, detail: "Access denied by policy")
        #expect(
            String(decoding: error.serialized(), as: UTF8.self)
                == #"{"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","#
                + #""detail":"Access denied by policy"}"#)
        #expect(try KBSErrorObject(parsing: error.serialized()) == error)
        #expect(error.variant == .policyDeny)
        let foreign = try KBSErrorObject(parsing: Array(#"{"type":"other:thing","detail":"d"}"#.utf8))
        #expect(foreign.type == "other:thing")
        #expect(foreign.variant == nil)
        #expect(throws: KBSProtocolError.self) { try KBSErrorObject(parsing: Array(#"{"type":"x"}"#.utf8)) }
    }
}
