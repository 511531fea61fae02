import Encodings
import Foundation
import JOSE
import KBSProtocol
import Testing

@testable import Guest

@Suite("Whose sealed secrets count")
struct SealedTrustTests {
    private static func folder() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "sealed-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    private func code(
        _ trust: SealedSecretTrust, _ text: String, _ resources: NamedResources? = nil
    ) async throws -> GuestError.Code? {
        let unsealer = Unsealer(resources: try resources ?? Sealed.resources(), trust: trust)
        return try await Sealed.code { _ = try await unsealer.unseal(text) }
    }

    @Test("with nothing named nothing is opened, and the broker is not even asked for the key that the secret names")
    func nothingNamed() async throws {
        let resources = try Sealed.resources()
        let unsealer = Unsealer(resources: resources, trust: SealedSecretTrust())
        let error = await #expect(throws: GuestError.self) { _ = try await unsealer.unseal(Sealed.text("vault-kbs")) }
        #expect(error?.code == .untrustedSignature)
        #expect(error?.message.contains("--sealed-signing-key") == true)
        #expect(resources.asked.isEmpty)
    }

    @Test("10.1.10: a key that somebody put into the broker does not sign for those who pinned theirs")
    func substitutedKey() async throws {
        let attacker = try SigningKey.generate(.es256)
        let uri = "kbs:///attacker/key/1"
        let secret = SealedSecret(.vault(name: "kbs:///default/type/tag"), provider: "kbs")
        let text = try SealedText.seal(secret, keyID: uri, with: attacker)
        let resources = try Sealed.resources([uri: attacker.publicJWK.serialized()])
        #expect(try await code(SealedSecretTrust(rule: .anyNamedKey), text, resources) == nil)

        let own = try ResourceURI(Sealed.realKeyURI)
        for trust in [
            SealedSecretTrust(keyURIs: [own]), SealedSecretTrust(keys: [try Sealed.testKey().verificationKey]),
            SealedSecretTrust(keys: [try Sealed.testKey().verificationKey], keyURIs: [own]),
        ] {
            let resources = try Sealed.resources([uri: attacker.publicJWK.serialized()])
            #expect(try await code(trust, text, resources) == .untrustedSignature)
            #expect(resources.asked.isEmpty)
            #expect(try await code(trust, Sealed.text("vault-kbs")) == nil)
        }
        // The attacker's signature under the operator's name of a key.
        let disguised = try SealedText.seal(secret, keyID: Sealed.realKeyURI, with: attacker)
        #expect(try await code(SealedSecretTrust(keyURIs: [own]), disguised) == .untrustedSignature)
    }

    @Test("a pinned key in a file needs no broker, whatever the secret calls it")
    func pinnedFile() async throws {
        let resources = NamedResources(["kbs:///default/type/tag": [1]])
        let trust = SealedSecretTrust(keys: [try Sealed.testKey().verificationKey])
        #expect(try await code(trust, Sealed.text("vault-kbs"), resources) == nil)
        #expect(resources.asked == ["kbs:///default/type/tag"])
    }

    @Test("an allowed key URI means the resource, whichever host the secret writes into it")
    func authority() async throws {
        let secret = SealedSecret(.vault(name: "kbs://elsewhere:1/default/type/tag"), provider: "kbs")
        let text = try SealedText.seal(
            secret, keyID: "kbs://other-host/default/signing-key/sealed-secret", with: Sealed.testKey())
        let resources = try Sealed.resources()
        #expect(try await code(SealedSecretTrust(keyURIs: [ResourceURI(Sealed.realKeyURI)]), text, resources) == nil)
        #expect(resources.asked == [Sealed.realKeyURI, "kbs:///default/type/tag"])
    }

    @Test("a signing key that the broker denies, lacks or garbles is named in the error")
    func keyTrouble() async throws {
        for (value, code) in [(nil, GuestError.Code.notFound), ([1, 2], .untrustedSignature)] as [([UInt8]?, _)] {
            let resources = NamedResources(value.map { [Sealed.realKeyURI: $0] } ?? [:])
            let error = await #expect(throws: GuestError.self) {
                _ = try await Sealed.any(resources).unseal(Sealed.text("vault-kbs"))
            }
            #expect(error?.code == code)
            #expect(error?.message.contains(Sealed.realKeyURI) == true)
        }
    }

    @Test("GC 9.D.55: key files come from the folder of keys and from nowhere else")
    func keyFolder() async throws {
        let root = try Self.folder()
        defer { try? FileManager.default.removeItem(at: root) }
        let keys = root.appending(path: "keys").path
        try FileManager.default.createDirectory(atPath: keys + "/team", withIntermediateDirectories: true)
        let jwk = Data(try Vectors.bytes("sealed/test-key.json"))
        try jwk.write(to: URL(filePath: keys + "/team/one"))
        try jwk.write(to: root.appending(path: "outside"))
        try FileManager.default.createDirectory(
            atPath: root.path + "/keys-of-others", withIntermediateDirectories: true)
        try jwk.write(to: root.appending(path: "keys-of-others/one"))
        try FileManager.default.createSymbolicLink(atPath: keys + "/link", withDestinationPath: root.path + "/outside")
        let secret = SealedSecret(.vault(name: "kbs:///default/type/tag"), provider: "kbs")
        func code(_ name: String, _ rule: SealedSecretTrust.Rule) async throws -> GuestError.Code? {
            let text = try SealedText.seal(secret, keyID: name, with: Sealed.testKey())
            return try await self.code(SealedSecretTrust(rule: rule, keyFolder: keys), text)
        }
        #expect(try await code("team/one", .anyNamedKey) == nil)
        #expect(try await code("team/../team/one", .anyNamedKey) == nil)
        for name in ["../outside", "link", "../keys-of-others/one", "/etc/passwd", "none", "team/one/.."] {
            #expect(try await code(name, .anyNamedKey) == .untrustedSignature, "\(name)")
        }
        #expect(try await code("team", .anyNamedKey) == .invalidRequest)
        #expect(try await code("team/one", .pinned) == .untrustedSignature)
    }

    @Test("keys are read from files and folders; what is no P-256 key is refused by name")
    func files() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a.json", "b.json"] {
            try Data(SigningKey.generate(.es256).publicJWK.serialized()).write(to: folder.appending(path: name))
        }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "..2026_data"), withIntermediateDirectories: true)
        #expect(try SealedSecretTrust.keys(at: [folder.path]).count == 2)
        #expect(try SealedSecretTrust.keys(at: [folder.path + "/a.json"]).count == 1)
        let empty = try Self.folder()
        defer { try? FileManager.default.removeItem(at: empty) }
        for wrong in [empty.path, folder.path + "/none"] {
            #expect(throws: GuestError.self) { try SealedSecretTrust.keys(at: [wrong]) }
        }
        for key in [try SigningKey.generate(.es384), try SigningKey.generate(.edDSA)] {
            try Data(key.publicJWK.serialized()).write(to: folder.appending(path: "c.json"))
            let error = #expect(throws: GuestError.self) { try SealedSecretTrust.keys(at: [folder.path]) }
            #expect(error?.message.contains("c.json") == true)
        }
    }
}

@Suite("Sealed variables and files")
struct SealedUseTests {
    private func resolve(
        _ variables: [String], resources: NamedResources? = nil, resolvesResources: Bool = false
    ) async throws -> [String] {
        let resources = try resources ?? Sealed.resources()
        let environment = SealedEnvironment(variables.map { Array($0.utf8) }, resolvesResources: resolvesResources)
        return try await environment.resolved(by: Sealed.any(resources), resources: resources)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("GC 9.D.57: a sealed variable gets its value; others stay as they are, byte by byte")
    func resolved() async throws {
        let sealed = try Sealed.text("vault-kbs")
        #expect(
            try await resolve(["A=1", "KEY=\(sealed)", "B=x=sealed.", "=odd", "none", "C=kbs:///default/type/tag"])
                == ["A=1", "KEY=plain", "B=x=sealed.", "=odd", "none", "C=kbs:///default/type/tag"])
        #expect(try await resolve(["C=kbs:///default/type/tag"], resolvesResources: true) == ["C=plain"])
        let raw: [[UInt8]] = [Array("R=".utf8) + [0xFF, 0xFE]]
        let same = try await SealedEnvironment(raw).resolved(
            by: Sealed.any(Sealed.resources()), resources: Sealed.resources())
        #expect(same == raw)
    }

    @Test("GC 9.D.57: a value that is no text fails; every failing variable is named, and no value is")
    func failures() async throws {
        let sealed = try Sealed.text("vault-kbs")
        for bad in [[0xFF], [0x61, 0, 0x62]] as [[UInt8]] {
            await #expect(throws: SealedEnvironment.Failures.self) {
                _ = try await resolve(["K=\(sealed)"], resources: Sealed.resources(["kbs:///default/type/tag": bad]))
            }
        }
        let failures = await #expect(throws: SealedEnvironment.Failures.self) {
            _ = try await resolve(["GOOD=\(sealed)", "ONE=sealed.x", "TWO=\(Sealed.text("NEG-bad-signature"))"])
        }
        #expect(failures?.all.map(\.name) == ["ONE", "TWO"])
        #expect(failures?.areTransient == false)
        #expect(
            !"\(String(describing: failures))".contains("eyJ") && !"\(String(describing: failures))".contains("plain"))
    }

    @Test(
        "GC 9.D.57: a sealed file's value is written beside it in memory, mode 0400; one that cannot be opened is not",
        .enabled(if: ProjectionTests.hasMemoryFolder))
    func files() async throws {
        let folder = try ProjectionTests.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data((try Sealed.text("vault-kbs") + "\n").utf8).write(to: folder.appending(path: "good"))
        try Data((try Sealed.text("NEG-bad-signature")).utf8).write(to: folder.appending(path: "bad"))
        let targets = try ["good", "bad", "none"].map {
            try UnsealTarget(argument: "\(folder.path)/\($0)=\(folder.path)/\($0).plain")
        }
        let files = UnsealedFiles(targets, by: Sealed.any(try Sealed.resources()), into: Projection())
        let failures = await files.writeMissing()
        #expect(failures.map { $0.target.input.suffix(4) } == ["/bad", "none"])
        #expect(failures.map(\.error.code) == [.untrustedSignature, .invalidRequest])
        #expect(await files.missing == Array(targets[1...]))
        #expect(FileManager.default.contents(atPath: folder.path + "/good.plain") == Data("plain".utf8))
        var status = stat()
        #expect(stat(folder.path + "/good.plain", &status) == 0 && status.st_mode & 0o7777 == 0o400)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/bad.plain"))
        try await files.removeAll()
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/good.plain"))
    }

    @Test("files to unseal are written /sealed=/plain")
    func targets() throws {
        #expect(try UnsealTarget(argument: "/a/b=/c/d").description == "/a/b=/c/d")
        for wrong in ["/a", "a=/b", "/a=b", "/a=/b/", "/a=/b/../c", "/a=/a", ""] {
            #expect(throws: GuestError.self) { try UnsealTarget(argument: wrong) }
        }
    }
}
