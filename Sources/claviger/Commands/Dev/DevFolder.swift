import AdminClient
import Encodings
import FoundationEssentials
import Glibc
import JOSE
import Storage
import X509Trust

/// The folder of one development broker: its keys, certificates, token and database.
struct DevFolder {
    /// How long an admin token holds; it is renewed while the broker runs.
    static let tokenLifetime = Duration.seconds(3_600)

    private static let lockName = "lock"

    let path: String
    let isEphemeral: Bool
    private let lock: Int32

    var certificateAuthority: String { file("ca.pem") }
    var serverCertificate: String { file("server.pem") }
    var serverKey: String { file("server-key.pem") }
    var keyEncryptionKeys: String { file("key-encryption-keys") }
    var adminPublicKey: String { file("admin-key.pub.pem") }
    var adminToken: String { file("admin-token") }
    var database: String { file("postgres") }
    var context: String { file(BrokerContext.fileName) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes or opens the folder, and takes it for this process alone.
    init(path: String?, ephemeral: Bool) throws {
        isEphemeral = ephemeral
        self.path =
            ephemeral ? try Self.temporaryFolder() : StateFolder.absolute(try path ?? StateFolder(home: nil).path)
        // The database server runs as another user when root starts it, and must be able to pass through.
        let mode: mode_t = geteuid() == 0 ? 0o711 : 0o700
        try Self.makeFolder(self.path)
        chmod(self.path, mode)
        lock = open("\(self.path)/\(Self.lockName)", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            if lock >= 0 { close(lock) }
            throw CommandFailure("another claviger dev runs in \(self.path), or it cannot be written")
        }
    }

    /// Makes the folder, or accepts one of an earlier start. A folder of somebody else, or one that holds other things, is
    /// not touched: whoever names his home or `/` by mistake keeps the rights that it has.
    private static func makeFolder(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            do {
                return try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw CommandFailure("\(path) cannot be created")
            }
        }
        let names = try? FileManager.default.contentsOfDirectory(atPath: path)
        guard status.st_uid == geteuid(), let names, names.isEmpty || names.contains(lockName) else {
            throw CommandFailure(
                "\(path) is no folder of claviger dev: name one that is empty, yours, or not there yet")
        }
    }

    /// Makes what is missing, and certificate and token anew.
    func prepare(now: Date = Date()) throws {
        if !FileManager.default.fileExists(atPath: keyEncryptionKeys) {
            try KeyEncryptionKeyRing.generate().write(toNewFile: keyEncryptionKeys)
        }
        if !FileManager.default.fileExists(atPath: adminPublicKey) {
            let key = try SigningKey.generate(.edDSA)
            try PrivateFile.replace(file("admin-key.pem"), Array(key.pemRepresentation().utf8))
            try PrivateFile.replace(adminPublicKey, Array(key.publicPEM.utf8), mode: 0o644)
        }
        try issueServerCertificate(now)
        try renewToken(now: now)
    }

    /// Writes a fresh admin token.
    func renewToken(now: Date = Date()) throws {
        let key = try SigningKey(pem: InputFile.text(file("admin-key.pem"), limit: 65_536))
        let content = AdminToken.Content(subject: "developer", lifetime: Self.tokenLifetime)
        try PrivateFile.replace(adminToken, AdminToken.sign(content, with: key, now: now).copyBytes() + [0x0A])
    }

    /// Tells the other commands how to reach the broker.
    func announce(_ broker: BrokerContext, readyFile: String?) throws {
        try PrivateFile.replace(context, broker.serialized())
        if let readyFile { try PrivateFile.replace(readyFile, broker.serialized()) }
    }

    /// Removes what says that a broker runs here; of an ephemeral folder, everything.
    func cleanUp(readyFile: String?) {
        unlink(context)
        if let readyFile { unlink(readyFile) }
        if isEphemeral { try? FileManager.default.removeItem(atPath: path) }
        // Unlocked, not only closed: a child process between its fork and its exec still has the file open.
        flock(lock, LOCK_UN)
        close(lock)
    }

    private func issueServerCertificate(_ now: Date) throws {
        let authority = try certificateAuthority(now)
        let issued = try authority.issue(
            commonName: "localhost", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"], usage: .tlsServer,
            validity: .days(30, from: now))
        try PrivateFile.replace(serverKey, issued.keyPEM.copyBytes())
        try PrivateFile.replace(serverCertificate, Array(issued.certificate.pem.utf8), mode: 0o644)
    }

    private func certificateAuthority(_ now: Date) throws -> CertificateAuthority {
        if FileManager.default.fileExists(atPath: certificateAuthority) {
            var key = try InputFile.read(file("ca-key.pem"), limit: 65_536)
            let kept = try CertificateAuthority(
                certificatePEM: InputFile.text(certificateAuthority, limit: 65_536), keyPEM: SecretBytes(wiping: &key))
            if kept.certificate.notAfter > now.addingTimeInterval(31 * 86_400) { return kept }
        }
        let fresh = try CertificateAuthority.generate(
            commonName: "claviger development", validity: .days(365, from: now))
        try PrivateFile.replace(file("ca-key.pem"), fresh.keyPEM.copyBytes())
        try PrivateFile.replace(certificateAuthority, Array(fresh.certificatePEM.utf8), mode: 0o644)
        return fresh
    }

    private static func temporaryFolder() throws -> String {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array((StateFolder.absolute(parent) + "/claviger-dev-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure("no folder can be made in \(parent): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
