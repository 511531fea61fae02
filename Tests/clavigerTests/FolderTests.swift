import AdminClient
import Broker
import Foundation
import Glibc
import JOSE
import Testing

@testable import claviger

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
