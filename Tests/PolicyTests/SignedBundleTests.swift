import Encodings
import JOSE
import Testing

@testable import Policy

@Suite("Signed policy bundles")
struct SignedBundleTests {
    private static let release = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: keys, namespace: payments, annotations: {note: "it's \\"ü\\" and a tab\\t"}}
        spec:
          match: {resources: ["payments/**"]}   # a comment
          require: {tees: [snp], trust: {executables: affirming}}
          validations: [{expression: "claims.snp.policy_debug_allowed == false"}]
        """
    private static let values = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReferenceValues
        metadata: {name: firmware}
        spec:
          values:
            - {name: number, value: 1.5}
            - {name: large, value: 9007199254740991}
            - {name: list, values: ["a: b", "- c", "yes", "", "0x1f"]}
            - {name: nested, value: {a: [true, null, {"b c": -7}]}}
        """

    private static func documents() throws -> [PolicyDocument] {
        try PolicyParser.parse(values + "\n---\n" + release, source: "test")
    }

    private static func content(serial: Int64 = 1) throws -> PolicyBundleContent {
        try PolicyBundleContent(name: "production", serial: serial, documents: documents())
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? PolicyBundleError)?.code ?? "\(error)"
        }
    }

    /// The file with something in it replaced.
    private func altered(_ bundle: SignedPolicyBundle, _ old: String, _ new: String) throws -> [UInt8] {
        let text = String(decoding: bundle.serialized(), as: UTF8.self)
        try #require(text.contains(old))
        return Array(text.replacing(old, with: new).utf8)
    }

    @Test(
        "a bundle is signed, written, read and verified, with every document as it was",
        arguments: [
            SignatureAlgorithm.es256, .es384, .es512, .edDSA,
        ])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let signed = try SignedPolicyBundle(signing: Self.content(serial: 7), with: key)
        let file = signed.serialized()
        #expect(SignedPolicyBundle.isOne(String(decoding: file, as: UTF8.self)))
        let read = try SignedPolicyBundle(parsing: file)
        #expect(read.content.name == "production" && read.content.serial == 7)
        #expect(read.content.digest == signed.content.digest)
        #expect(read.content.documents == (try Self.documents().sorted { $0.identifier < $1.identifier }))
        let signers = try TrustedPolicyKeys([key.verificationKey]).signers(of: read)
        #expect(signers.map(\.algorithm) == [algorithm])
        #expect(signers.map(\.thumbprint) == [key.verificationKey.thumbprint])
    }

    @Test("what is signed is the canonical form, so layout does not matter and standard tools can check it")
    func canonical() throws {
        let key = try SigningKey.generate(.edDSA)
        let signed = try SignedPolicyBundle(signing: Self.content(), with: key)
        let object = try #require(try JSONValue(parsing: signed.serialized())["bundle"])
        let compact = JSONValue.object(
            JSONObject((try JSONObject(parsing: signed.serialized())).reversed().map { ($0.name, $0.value) }))
        let read = try SignedPolicyBundle(parsing: compact.serialized())
        #expect(try TrustedPolicyKeys([key.verificationKey]).signers(of: read).count == 1)
        // The compact serialisation that any JWS library takes.
        let parts = try #require(signed.signatures.first).split(separator: ".", omittingEmptySubsequences: false)
        let whole = "\(parts[0]).\(Base64.encodeURL(try object.canonical())).\(parts[2])"
        #expect(try JWS(compact: whole, maximumLength: 1 << 20).verify(with: key.verificationKey) == object.canonical())
    }

    @Test("an altered document, name or serial, a missing or foreign signature: each has its own code")
    func refusals() throws {
        let (key, other) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
        let signed = try SignedPolicyBundle(signing: Self.content(), with: key)
        let trusted = try TrustedPolicyKeys([key.verificationKey])
        for (old, new) in [("affirming", "warning"), (#""serial": 1"#, #""serial": 2"#), ("production", "staging")] {
            let bundle = try SignedPolicyBundle(parsing: altered(signed, old, new))
            #expect(code { _ = try trusted.signers(of: bundle) } == "invalid_signature")
        }
        let resigned = try SignedPolicyBundle(signing: signed.content, with: other)
        #expect(code { _ = try trusted.signers(of: resigned) } == "unknown_signer")
        let impostor = try SignedPolicyBundle(
            signing: signed.content, with: other, keyID: key.verificationKey.thumbprint)
        #expect(code { _ = try trusted.signers(of: impostor) } == "invalid_signature")
        let file = try JSONObject(parsing: signed.serialized())
        var bare = file
        bare["signatures"] = []
        let unsigned = try SignedPolicyBundle(parsing: bare.serialized())
        #expect(code { _ = try trusted.signers(of: unsigned) } == "bundle_unsigned")
        bare["signatures"] = nil
        #expect(code { _ = try SignedPolicyBundle(parsing: bare.serialized()) } == "bundle_malformed")
    }

    @Test("a signature for something else, or one that brings its own key, is none")
    func foreignHeaders() throws {
        let key = try SigningKey.generate(.edDSA)
        let content = try Self.content()
        let kid = JSONValue.string(key.verificationKey.thumbprint)
        let type = JSONValue.string(SignedPolicyBundle.signatureType)
        let headers: [JSONObject] = [
            ["kid": kid, "typ": "JWT"], ["kid": kid], ["typ": type],
            ["kid": kid, "typ": type, "jwk": .object(key.publicJWK)],
            ["kid": kid, "typ": type, "jku": "https://example.com/keys"], ["kid": 1, "typ": type],
            ["kid": kid, "typ": type, "crit": ["exp"], "exp": 1],
        ]
        for header in headers {
            let signature = try JWS.signDetached(header: header, payload: content.canonical, with: key)
            var file = try JSONObject(parsing: SignedPolicyBundle(signing: content, with: key).serialized())
            file["signatures"] = [.string(signature)]
            let bundle = try SignedPolicyBundle(parsing: file.serialized())
            let keys = try TrustedPolicyKeys([key.verificationKey])
            #expect(code { _ = try keys.signers(of: bundle) } == "bundle_malformed", "\(header)")
        }
    }

    @Test("two people must sign when two signatures are asked for, and one who signs twice is one")
    func threshold() throws {
        let (first, second) = (try SigningKey.generate(.es256), try SigningKey.generate(.edDSA))
        let keys = try TrustedPolicyKeys([first.verificationKey, second.verificationKey], threshold: 2)
        let once = try SignedPolicyBundle(signing: Self.content(), with: first)
        #expect(code { _ = try keys.signers(of: once) } == "too_few_signers")
        #expect(code { _ = try keys.signers(of: try once.signed(with: first)) } == "too_few_signers")
        let stranger = try once.signed(with: SigningKey.generate(.es256))
        #expect(code { _ = try keys.signers(of: stranger) } == "too_few_signers")
        #expect(try keys.signers(of: once.signed(with: second)).count == 2)
        #expect(
            code { _ = try TrustedPolicyKeys([first.verificationKey, first.verificationKey], threshold: 2) }
                == "unusable_key")
    }

    @Test("key files hold one PEM key, a JWK or a set, and only keys that can sign bundles")
    func keyFiles() throws {
        let key = try SigningKey.generate(.es256)
        var jwk = key.publicJWK
        jwk["kid"] = "alice"
        for text in [
            key.publicPEM, key.publicJWK.serializedString(), jwk.serializedString(),
            JSONValue.object(["keys": [.object(jwk)]]).serializedString(),
        ] {
            let keys = try TrustedPolicyKeys.keys(inFile: Array(text.utf8))
            #expect(keys.map(\.thumbprint) == [key.verificationKey.thumbprint])
        }
        let named = try TrustedPolicyKeys(TrustedPolicyKeys.keys(inFile: jwk.serialized()))
        let signed = try SignedPolicyBundle(signing: Self.content(), with: key, keyID: "alice")
        #expect(try named.signers(of: signed).map(\.keyID) == ["alice"])
        var secret = jwk
        secret["d"] = "AAAA"
        for text in ["", "{}", "[]", "{\"keys\":[{}]}", secret.serializedString(), "-----BEGIN PUBLIC KEY-----"] {
            #expect(code { _ = try TrustedPolicyKeys.keys(inFile: Array(text.utf8)) } == "unusable_key", "\(text)")
        }
    }

    @Test(
        "a bundle that is not exactly one is refused",
        arguments: [
            (#""serial": 1"#, #""serial": 0"#), (#""serial": 1"#, #""serial": 1.5"#),
            (#""serial": 1"#, #""serial": "1""#),
            (#""serial": 1"#, #""serial": 9007199254740992"#), (#""serial": 1"#, #""serial": 1, "more": 1"#),
            (#""production""#, #""Production""#), (#""production""#, #""""#), (#""production""#, #""-a""#),
            (#""PolicyBundle""#, #""Bundle""#), (#""SignedPolicyBundle""#, #""PolicyBundle""#),
            (#""documents": ["#, #""documents": [1, "#), (#""signatures": ["#, #""signatures": [7, "#),
        ])
    func malformed(old: String, new: String) throws {
        let signed = try SignedPolicyBundle(signing: Self.content(), with: SigningKey.generate(.edDSA))
        let file = try altered(signed, old, new)
        let found = code { _ = try SignedPolicyBundle(parsing: file) }
        #expect(found == "bundle_malformed" || found == "bundle_invalid")
    }

    @Test("documents out of order, twice, or not valid are refused with what is wrong")
    func documentRules() throws {
        let json = try Self.content().json
        let documents = try #require(json["documents"]?.arrayValue)
        func bundle(_ list: [JSONValue]) throws -> PolicyBundleContent {
            var object = try #require(json.objectValue)
            object["documents"] = .array(list)
            return try PolicyBundleContent(json: .object(object))
        }
        #expect(code { _ = try bundle(documents.reversed()) } == "bundle_malformed")
        #expect(code { _ = try bundle(documents + documents) } == "bundle_malformed")
        #expect(try bundle([]).documents.isEmpty)
        var wrong = try #require(documents[1].objectValue)
        wrong["spec"] = ["match": ["ressources": ["payments/**"]]]
        do {
            _ = try bundle([.object(wrong)])
            Issue.record("no error")
        } catch let error as PolicyBundleError {
            #expect(error.code == "bundle_invalid" && error.message.contains("ressources"))
        }
        #expect(
            code { _ = try PolicyBundleContent(name: "a", serial: 1, documents: Self.documents() + Self.documents()) }
                == "bundle_malformed")
    }

    @Test("policies in JSON form are not taken for a bundle, and a damaged bundle is not taken for policies")
    func recognition() {
        #expect(!SignedPolicyBundle.isOne(Self.release))
        #expect(!SignedPolicyBundle.isOne(#"{"kind": "ReleasePolicy", "x": "SignedPolicyBundle"}"#))
        #expect(SignedPolicyBundle.isOne(#" {"kind": "SignedPolicyBundle"}"#))
        #expect(SignedPolicyBundle.isOne(#"{"kind": "SignedPolicyBundle", "#))
    }
}
