import Foundation
import Glibc
import Processes
import Testing

/// A TPM 2.0 that is a program (swtpm), with the tools that talk to it (tpm2-tools). It ends with this value.
///
/// scripts/setup.sh installs both.
public final class SoftwareTPM: Sendable {
    /// The signature that a key makes, in the words of tpm2-tools.
    public enum Key: String, Sendable, CaseIterable {
        /// RSASSA with SHA-256.
        case rsa = "rsa2048:rsassa-sha256:null"
        /// ECDSA on P-256 with SHA-256.
        case ecc = "ecc256:ecdsa-sha256:null"
    }

    /// What a quote consists of.
    public struct Quote: Sendable {
        /// The TPMS_ATTEST.
        public let message: [UInt8]
        /// The TPMT_SIGNATURE.
        public let signature: [UInt8]
        /// The values of the registers, one after the other.
        public let registers: [UInt8]
        /// The key as SubjectPublicKeyInfo, DER.
        public let key: [UInt8]
        /// The key's TPMT_PUBLIC.
        public let publicArea: [UInt8]
    }

    private let folder: URL
    private let process: RunningProgram
    /// What an attestation key may do.
    public static let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"

    /// Starts a TPM that was never used before.
    public init() async throws {
        let name = "claviger-tpm-\(UUID().uuidString.prefix(8))"
        folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let socket = folder.appending(path: "socket").path
        try #require(FileManager.default.isExecutableFile(atPath: "/usr/bin/swtpm"), "run scripts/setup.sh")
        process = try RunningProgram(
            "/usr/bin/swtpm",
            [
                "socket", "--tpm2", "--tpmstate", "dir=\(folder.path)", "--server", "type=unixio,path=\(socket)",
                "--ctrl", "type=unixio,path=\(socket).ctrl", "--flags", "not-need-init,startup-clear",
            ])
        let end = ContinuousClock.now + .seconds(240)
        var isListening = Self.isListening(socket)
        while !isListening, process.isRunning, .now < end {
            try await Task.sleep(for: .milliseconds(20))
            isListening = Self.isListening(socket)
        }
        try #require(isListening, "\(process.errorText)")
    }

    /// Whether somebody takes connections: the socket's file is there a moment earlier.
    private static func isListening(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    deinit {
        process.signal(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }

    /// The Unix socket on which it takes bare commands.
    public var socket: String { path("socket") }

    /// Makes an attestation key and keeps it at a persistent handle, such as `0x81010002`.
    ///
    /// - Returns: the key as SubjectPublicKeyInfo, DER.
    @discardableResult public func keep(
        _ key: Key, at handle: String, attributes: String = SoftwareTPM.attributes
    ) throws -> [UInt8] {
        try run("createprimary", "-Q", "-C", "e", "-G", key.rawValue, "-a", attributes, "-c", path("kept"))
        try run("evictcontrol", "-Q", "-C", "o", "-c", path("kept"), handle)
        try run("readpublic", "-Q", "-c", handle, "-f", "der", "-o", path("spki"))
        return try bytes("spki")
    }

    /// Makes an index of this size, as the owner's, with what tpm2-tools call attributes.
    public func define(_ index: String, size: Int, attributes: String = "ownerread|ownerwrite|authread") throws {
        try run("nvdefine", "-Q", "-C", "o", "-s", "\(size)", "-a", attributes, index)
    }

    /// The value of a register of SHA-256 in hexadecimal, as tpm2-tools read it.
    public func register(_ index: Int) throws -> String {
        try run("pcrread", "-Q", "-o", path("register"), "sha256:\(index)")
        return try bytes("register").map { String(format: "%02x", $0) }.joined()
    }

    /// Extends a register of SHA-256 with a digest.
    public func extend(_ index: Int, hexadecimal digest: String) throws {
        try run("pcrextend", "\(index):sha256=\(digest)")
    }

    /// Has a key of this kind sign a quote; all registers of `bank` unless others are selected.
    public func quote(
        _ key: Key, nonce: String, attributes: String = SoftwareTPM.attributes, selection: String = "sha256:all"
    ) throws -> Quote {
        try run("createprimary", "-Q", "-C", "e", "-G", key.rawValue, "-a", attributes, "-c", path("key"))
        try run("readpublic", "-Q", "-c", path("key"), "-f", "der", "-o", path("spki"))
        try run("readpublic", "-Q", "-c", path("key"), "-f", "tss", "-o", path("area"))
        try run(
            "quote", "-Q", "-c", path("key"), "-l", selection, "-q", nonce, "-m", path("message"), "-s",
            path("signature"), "-f", "tss", "-o", path("registers"), "-F", "values")
        // tpm2-tools writes a public area behind its size.
        return Quote(
            message: try bytes("message"), signature: try bytes("signature"), registers: try bytes("registers"),
            key: try bytes("spki"), publicArea: Array(try bytes("area").dropFirst(2)))
    }

    /// The keys of a TPM, an attestation key under an endorsement key, as TPM2B_PUBLIC.
    public struct KeyPair: Sendable {
        /// The public area of the endorsement key, behind its size.
        public let endorsementKey: [UInt8]
        /// The public area of the attestation key, behind its size.
        public let attestationKey: [UInt8]
    }

    /// Makes an endorsement key by the usual template of an algorithm (`rsa` or `ecc`), and an attestation key under it.
    public func keyPair(_ algorithm: String) throws -> KeyPair {
        try run("createek", "-Q", "-c", path("ek"), "-G", algorithm, "-u", path("ek.pub"))
        try run(
            "createak", "-Q", "-C", path("ek"), "-c", path("ak"), "-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-u",
            path("ak.pub"), "-n", path("ak.name"))
        return KeyPair(endorsementKey: try bytes("ek.pub"), attestationKey: try bytes("ak.pub"))
    }

    /// Activates a credential (TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET) for the keys that were made last; `nil` when the TPM
    /// refuses it.
    public func activate(blob: [UInt8], encryptedSeed: [UInt8]) throws -> [UInt8]? {
        // What tpm2-tools put before a credential: their mark and a version.
        let header: [UInt8] = [0xBA, 0xDC, 0xC0, 0xDE, 0, 0, 0, 1]
        try Data(header + blob + encryptedSeed).write(to: folder.appending(path: "credential"))
        try run("startauthsession", "--policy-session", "-S", path("session"))
        try run("policysecret", "-Q", "-S", path("session"), "-c", "e")
        let status = try status(
            "activatecredential",
            [
                "-Q", "-c", path("ak"), "-C", path("ek"), "-i", path("credential"), "-o", path("secret"), "-P",
                "session:\(path("session"))",
            ]
        ).status
        try call("flushcontext", ["-t"])
        guard status == 0 else { return nil }
        try run("flushcontext", path("session"))
        return try bytes("secret")
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// Runs a tool and makes room for the next one's keys.
    private func run(_ tool: String, _ arguments: String...) throws {
        try call(tool, arguments)
        try call("flushcontext", ["-t"])
    }

    private func status(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: [UInt8]) {
        var child = ChildProcess(path: "/usr/bin/tpm2_\(tool)", arguments: arguments)
        child.environment.append("TPM2TOOLS_TCTI=swtpm:path=\(path("socket"))")
        let finished = try child.runCapturing()
        return (finished.status, finished.output)
    }

    private func call(_ tool: String, _ arguments: [String]) throws {
        let finished = try status(tool, arguments)
        try #require(
            finished.status == 0, "tpm2_\(tool): \(String(decoding: finished.output, as: UTF8.self))")
    }
}
