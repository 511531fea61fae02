import Encodings
import KBSProtocol
import RATS
import Testing

@Suite("Init-data")
struct InitDataTests {
    private func document(_ data: String, algorithm: String = "sha256") -> String {
        "version = \"0.1.0\"\nalgorithm = \"\(algorithm)\"\n[data]\n\(data)\n"
    }

    @Test("KBS 12.2.12: the data of a generated agent policy becomes claims in place of its Rego text")
    func agentPolicy() throws {
        let initData = try InitData(toml: Vectors.text("initdata/init-data-with-policy.toml"))
        #expect(initData.algorithm == .sha256)
        let expected = try Vectors.text("initdata/init-data-with-policy.digest").split(separator: " ")
        #expect(
            Hex.encode(initData.digest)
                == expected.last?.trimmingPrefix(" ").split(separator: "\n").first.map(String.init))
        #expect(initData.claims.names == ["agent_policy_claims"])
        let containers = try #require(initData.claims["agent_policy_claims"]?["containers"]?.arrayValue)
        #expect(containers.count > 1)
        #expect(
            containers[1][pointer: "/OCI/Process/Args/0"]?.stringValue == "/opt/bitnami/scripts/nginx/entrypoint.sh")
    }

    @Test("the peer-pod documents have their recorded digests, and their TOML entries become objects")
    func peerPods() throws {
        let initData = try InitData(toml: Vectors.text("initdata/peerpods-provision-test.toml"))
        let expected = try Vectors.text("initdata/peerpods-provision-test.sha384").split(whereSeparator: \.isWhitespace)
        #expect(Hex.encode(initData.digest) == expected.first.map(String.init))
        let agent = try #require(initData.claims["aa.toml"]?.objectValue)
        #expect(agent["token_configs"]?["kbs"]?["url"] == "http://127.0.0.1:8080")
        #expect(
            agent["token_configs"]?["kbs"]?["cert"]?.stringValue?.hasPrefix("-----BEGIN CERTIFICATE-----\n") == true)

        let other = try InitData(toml: Vectors.text("initdata/peerpods-doc-1.toml"))
        #expect(other.claims == initData.claims)
        #expect(other.digest != initData.digest, "A16: one more byte is another document")
    }

    @Test("KBS 12.2.11: cdh.toml is parsed, multi-line strings with their newlines")
    func dataHub() throws {
        let initData = try InitData(
            toml: document(
                """
                "cdh.toml" = '''
                [image]
                extra_root_certificates = ["\""
                -----BEGIN CERTIFICATE-----
                AAAA
                -----END CERTIFICATE-----
                "\""]
                '''
                """))
        #expect(
            initData.claims["cdh.toml"]?[pointer: "/image/extra_root_certificates/0"]
                == "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    }

    @Test("entries that do not parse, and all others, stay text")
    func textEntries() throws {
        let initData = try InitData(
            toml: document(
                """
                "aa.toml" = "not toml"
                "cdh.toml" = "a = 1\\na = 2"
                "policy.rego" = "package x\\npolicy_data := { broken"
                "other.toml" = "a = 1"
                """))
        #expect(
            initData.claims == [
                "aa.toml": "not toml", "cdh.toml": "a = 1\na = 2",
                "policy.rego": "package x\npolicy_data := { broken", "other.toml": "a = 1",
            ])
    }

    @Test("policy data that does not end the Rego text is not taken for it")
    func trailingRego() throws {
        for rego in ["policy_data := {} allow", #"policy_data := {"a":1,"a":2}"#, "policy_data := []"] {
            let initData = try InitData(toml: document("\"policy.rego\" = '\(rego)'"))
            #expect(initData.claims == ["policy.rego": .string(rego)])
        }
        let exact = try InitData(toml: document("\"policy.rego\" = '''x\npolicy_data := {\"a\": [1]}\n'''"))
        #expect(exact.claims == ["agent_policy_claims": ["a": [1]]])
    }

    @Test(
        "A16: the digest covers the exact bytes with the named algorithm",
        arguments: [HashAlgorithm.sha256, .sha384, .sha512, .sm3])
    func digest(algorithm: HashAlgorithm) throws {
        let text = document("a = 'b'", algorithm: algorithm.rawValue)
        let initData = try InitData(toml: text)
        #expect(initData.digest == algorithm.digest(of: Array(text.utf8)))
        let variants = [text + "\n", text.replacing("= 'b'", with: "= \"b\""), text.replacing("\n", with: "\r\n")]
        for variant in variants {
            let other = try InitData(toml: variant)
            #expect(other.claims == initData.claims)
            #expect(other.digest != initData.digest)
            let binding = EvidenceBinding(reportData: [], initDataDigest: other.digest)
            #expect(!binding.initDataDigest(fits: initData.digest))
        }
    }

    @Test("the algorithm's name is not case sensitive")
    func algorithmCase() throws {
        #expect(try InitData(toml: document("", algorithm: "SHA384")).algorithm == .sha384)
    }

    @Test(
        "documents that are not init-data are refused",
        arguments: [
            "", "version = '1'", "version = '1'\nalgorithm = 'sha256'", "algorithm = 'sha256'\n[data]",
            "version = '1'\nalgorithm = 'md5'\n[data]", "version = '1'\nalgorithm = 'sha-256'\n[data]",
            "version = 1\nalgorithm = 'sha256'\n[data]", "version = '1'\nalgorithm = 'sha256'\ndata = 'x'",
            "version = '1'\nalgorithm = 'sha256'\n[data]\na = 1",
            "version = '1'\nalgorithm = 'sha256'\n[data]\n[data.a]",
            "version = '1'\nalgorithm = 'sha256'\n[data]\na = '\u{0}'",
            "version = '1'\nalgorithm = 'sha256'\n[data]\na = 'x'\na = 'y'",
        ])
    func refused(text: String) {
        let error = #expect(throws: KBSProtocolError.self) { try InitData(toml: text) }
        #expect(error?.code == "init_data_refused")
    }

    @Test("a document beyond the size limit is refused")
    func tooLarge() {
        let text = document("a = '\(String(repeating: "x", count: InitData.maximumBytes))'")
        #expect(throws: KBSProtocolError.self) { try InitData(toml: text) }
    }
}
