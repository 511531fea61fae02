import ArgumentParser
import Encodings
import Foundation
import JOSE
import Policy
import Testing

@testable import claviger

@Suite("signing policies")
struct PolicySigningTests {
    private static let policy = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: keys, namespace: team}
        spec:
          match: {resources: ["team/**"]}
        """

    /// A folder with a policy and the key pairs of two people.
    private func prepared() throws -> Scratch {
        let scratch = try Scratch()
        try Data(Self.policy.utf8).write(to: URL(filePath: scratch.path + "/policy.yaml"))
        for name in ["alice", "bob"] {
            let key = try SigningKey.generate(.edDSA)
            try Data(key.pemRepresentation().utf8).write(to: URL(filePath: "\(scratch.path)/\(name).pem"))
            try Data(key.publicPEM.utf8).write(to: URL(filePath: "\(scratch.path)/\(name).pub"))
        }
        return scratch
    }

    private func sign(_ scratch: Scratch, _ arguments: String...) throws {
        let command = try PolicySignCommand.parse(
            ["--key", scratch.path + "/alice.pem", "-o", scratch.path + "/bundle.json"] + arguments)
        try command.run()
    }

    private func verify(_ scratch: Scratch, _ arguments: String...) throws {
        try PolicyVerifyCommand.parse([scratch.path + "/bundle.json"] + arguments).run()
    }

    @Test("what was signed verifies with the public key and with no other")
    func signAndVerify() throws {
        let scratch = try prepared()
        try sign(scratch, "-f", scratch.path + "/policy.yaml", "--serial", "7", "--name", "team")
        try verify(scratch, "--keys", scratch.path + "/alice.pub")
        try verify(scratch, "--keys", scratch.path + "/bob.pub", scratch.path + "/alice.pub")
        let error = #expect(throws: PolicyBundleError.self) { try verify(scratch, "--keys", scratch.path + "/bob.pub") }
        #expect(error?.code == "unknown_signer")
        let content = try PolicySignCommand.read(scratch.path + "/bundle.json").content
        #expect(content.name == "team" && content.serial == 7)
        #expect(content.documents.map(\.identifier) == ["ReleasePolicy/team/keys"])
    }

    @Test("automatic serials rise, also within a second")
    func automaticSerials() throws {
        let scratch = try prepared()
        var serials: [Int64] = []
        for _ in 0..<3 {
            try sign(scratch, "-f", scratch.path + "/policy.yaml")
            serials.append(try PolicySignCommand.read(scratch.path + "/bundle.json").content.serial)
        }
        #expect(serials[0] < serials[1] && serials[1] < serials[2])
        #expect(abs(Double(serials[0]) - Date().timeIntervalSince1970) < 600)
    }

    @Test("a second person adds a signature and changes nothing else")
    func cosigning() throws {
        let scratch = try prepared()
        try sign(scratch, "-f", scratch.path + "/policy.yaml", "--serial", "1")
        let both = ["--keys", scratch.path + "/alice.pub", scratch.path + "/bob.pub", "--threshold", "2"]
        func verifyBoth() throws { try PolicyVerifyCommand.parse([scratch.path + "/bundle.json"] + both).run() }
        let error = #expect(throws: PolicyBundleError.self) { try verifyBoth() }
        #expect(error?.code == "too_few_signers")
        let digest = try PolicySignCommand.read(scratch.path + "/bundle.json").content.digest
        try PolicySignCommand.parse([
            "--cosign", scratch.path + "/bundle.json", "--key", scratch.path + "/bob.pem", "-o",
            scratch.path + "/bundle.json",
        ]).run()
        try verifyBoth()
        #expect(try PolicySignCommand.read(scratch.path + "/bundle.json").content.digest == digest)
    }

    @Test("arguments that make no bundle are refused")
    func arguments() {
        for arguments in [
            ["--key", "k", "-o", "o"], ["-f", "a", "--cosign", "b", "--key", "k", "-o", "o"],
            ["-f", "a", "--key", "k", "-o", "o", "--serial", "0"],
            ["-f", "a", "--key", "k", "-o", "o", "--serial", "latest"],
        ] {
            #expect(throws: (any Error).self, "\(arguments)") { try PolicySignCommand.parse(arguments) }
        }
    }

    @Test("bundles are told from documents, and stored JSON is shown as YAML")
    func files() throws {
        let scratch = try prepared()
        try sign(scratch, "-f", scratch.path + "/policy.yaml")
        let files = try PolicyFiles([scratch.path + "/policy.yaml", scratch.path + "/bundle.json"])
        let (bundles, rest) = files.separatingBundles()
        #expect(bundles.map(\.name) == [scratch.path + "/bundle.json"])
        #expect(try rest?.documents().count == 1)
        #expect(PolicyDocument.tidy(#"{"kind":"X","spec":{"a":[1]}}"#) == "kind: X\nspec:\n  a:\n  - 1\n")
    }

    @Test("the status tells digest, signers and replicas, and whether one is behind")
    func status() throws {
        func status(_ generation: Int, _ problem: String) throws -> JSONValue {
            try JSONValue(
                parsing: #"""
                    {"generation":4,"inForce":4,"bundleDigest":"abc","documents":2,"signaturesRequired":true,"problem":null,
                     "bundles":[{"name":"prod","serial":9,"digest":"d","signers":[{"keyId":"alice"}],
                                 "updatedAt":"t","updatedBy":"eve"}],
                     "replica":"one","replicas":[{"id":"one","generation":\#(generation),"bundleDigest":"abc",
                                                  "problem":\#(problem),"seenAt":"t"}]}
                    """#)
        }
        let text = PolicyStatusCommand.text(try status(4, "null"))
        for part in ["digest      abc", "required", "prod    9", "alice", "one      4"] { #expect(text.contains(part)) }
        #expect(!PolicyStatusCommand.isBehind(try status(4, "null")))
        #expect(PolicyStatusCommand.isBehind(try status(3, "null")))
        #expect(PolicyStatusCommand.isBehind(try status(4, "\"policies_invalid\"")))
    }
}
