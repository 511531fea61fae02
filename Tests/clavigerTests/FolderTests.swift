import AdminClient
import Broker
import Encodings
import Foundation
import Glibc
import JOSE
import Processes
import TestPrograms
import Testing

@testable import claviger

private let claviger = BuiltProgram("claviger")

@Suite("keys, tokens and folders")
struct FolderTests {
    @Test("admin init writes private files and refuses to overwrite them", arguments: ["ed25519", "p256"])
    func adminInit(algorithm: String) throws {
        let scratch = try Scratch()
        let out = scratch.path + "/admin"
        let command = try AdminInitCommand.parse(["--out", out, "--algorithm", algorithm, "--ttl", "10m"])
        try command.run()
        #expect(try scratch.mode("admin/admin-key.pem") == 0o600)
        #expect(try scratch.mode("admin/admin-token") == 0o600)
        let token = try AdminToken.read(file: out + "/admin-token")
        let signature = try JWS(compact: String(decoding: token.copyBytes(), as: UTF8.self))
        let publicKey = try VerificationKey(pem: String(contentsOfFile: out + "/admin-key.pub.pem", encoding: .utf8))
        let claims = try JWTClaims(payload: signature.verify(with: publicKey))
        #expect(claims.object["role"] == "admin")
        #expect(throws: CommandFailure.self) { try command.run() }
        #expect(try AdminToken.read(file: out + "/admin-token") == token)
    }

    @Test("A46: with --once the token says that it is for one request, and has an identifier to know it again by")
    func oneRequest() throws {
        let scratch = try Scratch()
        let out = scratch.path + "/admin"
        func claims(of file: String) throws -> JSONObject {
            let token = try AdminToken.read(file: "\(out)/\(file)").copyBytes()
            return try JWTClaims(payload: try JWS(compact: String(decoding: token, as: UTF8.self)).payload).object
        }
        try AdminInitCommand.parse(["--out", out, "--once"]).run()
        let key = out + "/admin-key.pem"
        try AdminTokenCommand.parse(["--key", key, "--once", "--out", out + "/next"]).run()
        try AdminTokenCommand.parse(["--key", key, "--out", out + "/reusable"]).run()
        let (first, next) = (try claims(of: "admin-token"), try claims(of: "next"))
        #expect(first["claviger_use"] == "once" && next["claviger_use"] == "once")
        #expect(try #require(first["jti"]?.stringValue).count == 32 && first["jti"] != next["jti"])
        #expect(try claims(of: "reusable")["claviger_use"] == nil)
    }

    @Test("the broker reads the configuration that admin init prints")
    func configurationSnippet() throws {
        let text = AdminInitCommand.configurationSnippet(publicKeyFile: "/keys/admin-key.pub.pem")
        let configuration = try BrokerConfiguration(yaml: text, source: "snippet")
        #expect(configuration.admin.mode == .authenticated)
        #expect(configuration.admin.identityProviders.map(\.audience) == [AdminToken.defaultAudience])
        #expect(configuration.admin.accessList.count == 2)
    }

    @Test("a development folder is taken once, keeps its keys, and gives every start a new token")
    func developmentFolder() throws {
        let scratch = try Scratch()
        let folder = try DevFolder(path: scratch.path, ephemeral: false)
        try folder.prepare()
        #expect(throws: CommandFailure.self) { try DevFolder(path: scratch.path, ephemeral: false) }
        for name in ["key-encryption-keys", "admin-key.pem", "admin-token", "server-key.pem", "ca-key.pem"] {
            #expect(try scratch.mode(name) == 0o600, "\(name)")
        }
        let keys = try Data(contentsOf: URL(filePath: folder.keyEncryptionKeys))
        let authority = try Data(contentsOf: URL(filePath: folder.certificateAuthority))
        let token = try AdminToken.read(file: folder.adminToken)
        folder.cleanUp(readyFile: nil)
        let again = try DevFolder(path: scratch.path, ephemeral: false)
        try again.prepare()
        #expect(try Data(contentsOf: URL(filePath: again.keyEncryptionKeys)) == keys)
        #expect(try Data(contentsOf: URL(filePath: again.certificateAuthority)) == authority)
        #expect(try AdminToken.read(file: again.adminToken) != token)
        again.cleanUp(readyFile: nil)
    }

    @Test("a folder with other things in it is refused, and keeps its rights")
    func foreignFolder() throws {
        let scratch = try Scratch()
        chmod(scratch.path, 0o755)
        try Data("mine".utf8).write(to: URL(filePath: scratch.path + "/notes"))
        #expect(throws: CommandFailure.self) { try DevFolder(path: scratch.path, ephemeral: false) }
        #expect(try scratch.mode("") == 0o755)
        #expect(throws: CommandFailure.self) { try DevFolder(path: "/", ephemeral: false) }
        #expect(throws: CommandFailure.self) { try DevFolder(path: scratch.path + "/notes", ephemeral: false) }
    }

    @Test("a lock that is a link to elsewhere is refused")
    func linkedLock() throws {
        let scratch = try Scratch()
        #expect(symlink("/etc/hostname", scratch.path + "/lock") == 0)
        #expect(throws: CommandFailure.self) { try DevFolder(path: scratch.path, ephemeral: false) }
    }

    @Test("a private file that cannot be written whole is not left in part")
    func partialFile() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/key"
        try PrivateFile.create(path, [1, 2, 3])
        #expect(throws: CommandFailure.self) { try PrivateFile.create(path, [4]) }
        #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
        #expect(throws: CommandFailure.self) { try PrivateFile.replace(scratch.path + "/none/key", [1]) }
        #expect(throws: CommandFailure.self) { try PrivateFile.replace(scratch.path, [1]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["key"])
    }

    @Test(
        "what is cut off on its way to standard output does not pass for the whole",
        .enabled(if: claviger != nil && access("/dev/full", W_OK) == 0, "claviger is not built, or no /dev/full"))
    func fullOutput() throws {
        let program = try #require(claviger)
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        var child = ChildProcess(path: program.path, arguments: ["completion", "bash"])
        child.output = full
        child.errors = -1
        #expect(try child.run() == 1)
        child.output = -1
        #expect(try child.run() == 0)
    }

    @Test("an ephemeral folder leaves nothing behind")
    func ephemeralFolder() throws {
        let folder = try DevFolder(path: nil, ephemeral: true)
        try folder.prepare()
        let ready = folder.path + "-ready"
        let context = BrokerContext(
            url: "https://localhost:1", caFile: folder.certificateAuthority, tokenFile: folder.adminToken,
            home: folder.path)
        try folder.announce(context, readyFile: ready)
        #expect(try StateFolder(home: folder.path).context()?.url == "https://localhost:1")
        folder.cleanUp(readyFile: ready)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
        #expect(!FileManager.default.fileExists(atPath: ready))
    }
}

@Suite("ports")
struct LocalPortTests {
    @Test("a taken port is told by name, a free one and 0 are not")
    func ports() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = bind(listener, generic, size)
                _ = listen(listener, 1)
                _ = getsockname(listener, generic, &size)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        #expect(port != 0)
        #expect(throws: CommandFailure.self) { try LocalPort.requireFree(port) }
        try LocalPort.requireFree(0)
        close(listener)
        try LocalPort.requireFree(port)
    }
}
