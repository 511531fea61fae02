import Encodings
import Foundation
import JOSE
import Testing
import Verification

@testable import claviger

@Suite("claviger reference sign and verify")
struct ReferenceSigningTests {
    private let scratch: Scratch
    private let document: String

    init() throws {
        scratch = try Scratch()
        document = scratch.path + "/values.yaml"
        let text = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: payments-guest}
            spec:
              values:
              - {name: mr_td, values: ["aa"], validUntil: "2099-06-30T00:00:00Z"}
              - {name: tdvfkernel, value: "bb"}
              - {name: rtmr_1, values: ["cc"], state: candidate}
            """
        try Data(text.utf8).write(to: URL(filePath: document))
    }

    private func keys(_ algorithm: SignatureAlgorithm, _ name: String) throws -> (secret: String, open: String) {
        let key = try SigningKey.generate(algorithm)
        let paths = (scratch.path + "/\(name).key", scratch.path + "/\(name).pem")
        try Data(key.pemRepresentation().utf8).write(to: URL(filePath: paths.0))
        try Data(key.publicPEM.utf8).write(to: URL(filePath: paths.1))
        return paths
    }

    private func sign(_ key: String, _ output: String) throws {
        let command = try ReferenceCommand.parseAsRoot([
            "sign", document, "--key", key, "--manifest-version", "7", "--built-by", "ci-42", "-o", output,
        ])
        try #require(command as? ReferenceSignCommand).run()
    }

    @Test(
        "the accepted values of a document are signed, and verified with the public key",
        arguments: [
            SignatureAlgorithm.es256, .es384,
        ])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let (secret, open) = try keys(algorithm, "ci")
        let output = scratch.path + "/manifest.json"
        try sign(secret, output)
        let verify = try ReferenceCommand.parseAsRoot(["verify", output, "--format", "in-toto", "--keys", open])
        let manifest = try #require(verify as? ReferenceVerifyCommand).verified()
        #expect(manifest.id == "payments-guest" && manifest.version == 7 && manifest.builtBy == "ci-42")
        #expect(manifest.values.map(\.name) == ["mr_td", "tdvfkernel"])
        #expect(manifest.values[0].value == ["aa"] && manifest.values[1].value == "bb")
        #expect(manifest.validUntil?.formatted(.iso8601) == "2099-06-30T00:00:00Z")
    }

    @Test("another key, or a key of another kind, does not do")
    func refused() throws {
        let output = scratch.path + "/manifest.json"
        try sign(keys(.es256, "ci").secret, output)
        let other = try keys(.es256, "other").open
        let verify = try ReferenceCommand.parseAsRoot(["verify", output, "--format", "in-toto", "--keys", other])
        let failure = #expect(throws: CommandFailure.self) {
            _ = try #require(verify as? ReferenceVerifyCommand).verified()
        }
        #expect(failure?.message.contains("untrusted_signer") == true)
        #expect(throws: CommandFailure.self) { try sign(keys(.edDSA, "edwards").secret, output) }
    }
}
