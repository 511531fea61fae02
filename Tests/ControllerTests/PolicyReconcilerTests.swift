import AdminClient
import Broker
import BrokerAPI
import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Policy
import Testing

@testable import Controller

@Suite("Policies from a folder")
struct PolicyReconcilerTests {
    private static func release(_ name: String, tag: String = "*") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: \(name), namespace: team}
        spec:
          match: {resources: ["team/keys/\(tag)"], operations: [get]}
          require: {tees: [sample]}
        """
    }

    @Test("a folder's policies are stored, a second pass changes nothing, and a changed file is stored again")
    func applies() async throws {
        try await Fixture.run { fixture in
            try fixture.write("a.yaml", Self.release("first"))
            try fixture.write("b.yml", Self.release("second") + "\n---\n" + Self.release("third"))
            try fixture.write("notes.txt", "not a policy")
            try fixture.write(".hidden.yaml", "not: [a policy")
            let reconciler = fixture.reconciler(prune: false)
            let first = try await reconciler.reconcile()
            #expect(
                first.applied == [
                    "ReleasePolicy/team/first", "ReleasePolicy/team/second", "ReleasePolicy/team/third",
                ])
            #expect(try await fixture.names() == ["first", "second", "third"])
            let second = try await reconciler.reconcile()
            #expect(!second.changed && second.unchanged == 3)
            try fixture.write("a.yaml", Self.release("first", tag: "one"))
            #expect(try await reconciler.reconcile().applied == ["ReleasePolicy/team/first"])
        }
    }

    @Test("a pipe, a device or an endless file in the folder neither stops the controller nor fills its memory")
    func strangeFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "policies-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "a.yaml").path
        func code() -> String? {
            do throws(ControllerError) {
                _ = try PolicyFolder(path: folder.path).wanted()
                return nil
            } catch {
                return error.code
            }
        }
        #expect(mkfifo(file, 0o600) == 0)
        #expect(code() == "unreadable")
        unlink(file)
        #expect(symlink("/dev/zero", file) == 0)
        #expect(code() == "unreadable")
        unlink(file)
        #expect(symlink("/nonexistent", file) == 0)
        #expect(code() == "unreadable")
        unlink(file)
        #expect(FileManager.default.createFile(atPath: file, contents: nil) && truncate(file, 1 << 40) == 0)
        #expect(code() == "invalid")
    }

    @Test("one broken file leaves everything as it is, and the finding names file, line and column")
    func brokenFile() async throws {
        try await Fixture.run { fixture in
            try fixture.write("a.yaml", Self.release("first"))
            _ = try await fixture.reconciler(prune: true).reconcile()
            try fixture.write("a.yaml", Self.release("first", tag: "other"))
            try fixture.write(
                "b.yaml", Self.release("second").replacingOccurrences(of: "resources", with: "ressources"))
            let error = await #expect(throws: ControllerError.self) {
                try await fixture.reconciler(prune: true).reconcile()
            }
            #expect(error?.code == "invalid")
            #expect(error?.message.contains("b.yaml:5:") == true)
            #expect(try await fixture.names() == ["first"])
            #expect(try await fixture.text("first").contains("keys/*"))
        }
    }

    @Test("only pruning removes what the folder does not have, and an empty folder prunes nothing")
    func prunes() async throws {
        try await Fixture.run { fixture in
            try fixture.write("a.yaml", Self.release("first"))
            try fixture.write("b.yaml", Self.release("second"))
            _ = try await fixture.reconciler(prune: false).reconcile()
            try fixture.remove("b.yaml")
            #expect(try await !fixture.reconciler(prune: false).reconcile().changed)
            #expect(try await fixture.reconciler(prune: true).reconcile().pruned == ["ReleasePolicy/team/second"])
            try fixture.remove("a.yaml")
            let error = await #expect(throws: ControllerError.self) {
                try await fixture.reconciler(prune: true).reconcile()
            }
            #expect(error?.code == "unreadable")
            #expect(try await fixture.names() == ["first"])
        }
    }

    @Test("signed bundles of the folder are applied, once, and are not pruned; an older one is refused")
    func bundles() async throws {
        let signer = try SigningKey.generate(.es256)
        func bundle(_ serial: Int64, _ names: String...) throws -> String {
            let documents = try names.flatMap { try PolicyParser.parse(Self.release($0), source: "test") }
            let content = try PolicyBundleContent(name: "team", serial: serial, documents: documents)
            return String(decoding: try SignedPolicyBundle(signing: content, with: signer).serialized(), as: UTF8.self)
        }
        try await Fixture.run(signer: signer) { fixture in
            try fixture.write("bundle.json", try bundle(2, "first", "second"))
            let reconciler = fixture.reconciler(prune: true)
            #expect(try await reconciler.reconcile().applied == ["PolicyBundle/team"])
            let second = try await reconciler.reconcile()
            #expect(!second.changed && second.unchanged == 1)
            #expect(try await fixture.names() == ["first", "second"])
            try fixture.write("bundle.json", try bundle(1, "first"))
            let older = await #expect(throws: ControllerError.self) { try await reconciler.reconcile() }
            #expect(older?.code == "refused" && older?.message.contains("stale_serial") == true)
            try fixture.write("bundle.json", try bundle(3, "second"))
            #expect(try await reconciler.reconcile().applied == ["PolicyBundle/team"])
            #expect(try await fixture.names() == ["second"])
            try fixture.write("loose.yaml", Self.release("loose"))
            let unsigned = await #expect(throws: ControllerError.self) { try await reconciler.reconcile() }
            #expect(unsigned?.message.contains("signature_required") == true)
            try fixture.write("loose.yaml", Self.release("second"))
            let twice = await #expect(throws: ControllerError.self) { try await reconciler.reconcile() }
            #expect(twice?.code == "invalid")
        }
    }

    @Test("what was overwritten or removed outside of a bundle is restored by the next pass, and never pruned")
    func restoresBundles() async throws {
        let signer = try SigningKey.generate(.es256)
        let documents = try ["first", "second"].flatMap { try PolicyParser.parse(Self.release($0), source: "test") }
        let content = try PolicyBundleContent(name: "team", serial: 2, documents: documents)
        let bundle = String(
            decoding: try SignedPolicyBundle(signing: content, with: signer).serialized(), as: UTF8.self)
        try await Fixture.run(signer: signer, required: false) { fixture in
            try fixture.write("bundle.json", bundle)
            let reconciler = fixture.reconciler(prune: true)
            #expect(try await reconciler.reconcile().applied == ["PolicyBundle/team"])
            _ = try await fixture.client.applyPolicies(yaml: Self.release("first", tag: "other"))
            let overwritten = try await reconciler.reconcile()
            #expect(overwritten.applied == ["PolicyBundle/team"] && overwritten.pruned.isEmpty)
            #expect(try await fixture.text("first").contains("keys/*"))
            try await fixture.client.deletePolicy(kind: "ReleasePolicy", namespace: "team", name: "second")
            #expect(try await reconciler.reconcile().applied == ["PolicyBundle/team"])
            #expect(try await fixture.names() == ["first", "second"])
            #expect(try await !reconciler.reconcile().changed)
        }
    }

    @Test("the same policy in two files is refused")
    func ambiguous() async throws {
        try await Fixture.run { fixture in
            try fixture.write("a.yaml", Self.release("first"))
            try fixture.write("b.yaml", Self.release("first", tag: "x"))
            let error = await #expect(throws: ControllerError.self) {
                try await fixture.reconciler(prune: false).reconcile()
            }
            #expect(error?.message.contains("a.yaml") == true && error?.message.contains("b.yaml") == true)
            #expect(try await fixture.names().isEmpty)
        }
    }
}

/// A folder, and a broker on a free port whose administrator the reconciler is.
private struct Fixture: Sendable {
    let folder: URL
    let client: AdminClient

    static func run(
        signer: SigningKey? = nil, required: Bool = true, _ body: (Fixture) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "claviger-controller-\(UUID().uuidString)")
        let folder = root.appending(path: "policies")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let key = try SigningKey.generate(.edDSA)
        let keyFile = root.appending(path: "admin.pub")
        try Data(key.publicPEM.utf8).write(to: keyFile)

        let signerFile = root.appending(path: "signer.pub")
        if let signer { try Data(signer.publicPEM.utf8).write(to: signerFile) }
        var settings = BrokerConfiguration()
        let test = try await TestBroker.make(policies: nil) { configuration in
            configuration.listen = ["127.0.0.1:0"]
            configuration.transport.insecurePlaintext = true
            configuration.admin.mode = .authenticated
            configuration.admin.identityProviders = [
                .init(
                    issuer: AdminToken.defaultIssuer, audience: AdminToken.defaultAudience, publicKeyFile: keyFile.path)
            ]
            configuration.admin.accessList = [.init(role: "admin", allowedEndpoints: "^/claviger/.+$")]
            configuration.policies.signatures.required = signer != nil && required
            configuration.policies.signatures.keyFiles = signer == nil ? [] : [signerFile.path]
            settings = configuration
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try BrokerServer(
            configuration: settings, broker: test.broker, metrics: test.metrics, logger: test.logs.logger(),
            onListening: { continuation.yield($0.port) })
        let task = Task { try await server.run() }
        defer { task.cancel() }
        guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
        let client = try AdminClient(
            .init(
                url: "http://127.0.0.1:\(port)", token: try AdminToken.sign(.init(), with: key),
                insecureHTTPAllowed: true))
        try await body(Fixture(folder: folder, client: client))
    }

    func reconciler(prune: Bool) -> PolicyReconciler {
        PolicyReconciler(folder: PolicyFolder(path: folder.path), client: client, prune: prune)
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(at: folder.appending(path: name))
    }

    func names() async throws -> [String] {
        try await client.policies().map(\.name).sorted()
    }

    func text(_ name: String) async throws -> String {
        try await client.policy(kind: "ReleasePolicy", namespace: "team", name: name).text ?? ""
    }
}
