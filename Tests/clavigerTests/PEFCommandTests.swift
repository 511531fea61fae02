import Encodings
import Foundation
import JOSE
import Testing

@testable import claviger

@Suite("pef commands")
struct PEFCommandTests {
    /// An RSA key with 2048 bits (SubjectPublicKeyInfo); `last` changes its modulus, of which nobody has the factors.
    private func publicKey(_ last: UInt8) -> String {
        var modulus = (0..<256).map { UInt8(truncatingIfNeeded: 0x9B &+ $0 &* 37) }
        modulus[0] |= 0x80
        modulus[255] = last
        let key: [UInt8] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00] + modulus + [0x02, 3, 1, 0, 1]
        let algorithm: [UInt8] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0]
        let spki: [UInt8] = [0x30, 0x82, 0x01, 0x22] + algorithm + [0x03, 0x82, 0x01, 0x0f, 0] + key
        return "-----BEGIN PUBLIC KEY-----\n\(Base64.encode(spki))\n-----END PUBLIC KEY-----\n"
    }

    private func write(_ scratch: Scratch, _ name: String, _ text: String) throws -> String {
        let path = "\(scratch.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private func run(_ arguments: [String]) throws {
        var command = try PEFCommand.parseAsRoot(arguments)
        try command.run()
    }

    @Test("a blob is made for machines, and its statement says what is in it to whoever has the owner's key")
    func create() throws {
        let scratch = try Scratch()
        let owner = try SigningKey.generate(.es256)
        let (blob, statement) = ("\(scratch.path)/guest.esm", "\(scratch.path)/guest.jws")
        let arguments = [
            "create", "--rtas", try write(scratch, "rtas", "r"), "--kernel", try write(scratch, "kernel", "k"),
            "--initrd", try write(scratch, "initrd", "i"), "--cmdline", "svm=on",
            "--machine-key", try write(scratch, "machine1.pem", publicKey(1)),
            "--machine-key", try write(scratch, "machine2.pem", publicKey(3)),
            "--origin-key", try write(scratch, "me.pem", publicKey(5)),
            "--file", "rootd=\(try write(scratch, "passphrase", "the passphrase"))",
            "--owner-key", try write(scratch, "owner.pem", owner.pemRepresentation()),
            "-o", blob, "--statement", statement,
        ]
        try run(arguments)
        let ownerFile = try write(scratch, "owner-public.pem", owner.publicPEM)
        let inspect = try #require(
            try PEFCommand.parseAsRoot(["inspect", blob, "--statement", statement, "--owner-key", ownerFile])
                as? PEFInspectCommand)
        let report = try inspect.report()
        #expect(report["lockboxes"]?.arrayValue?.count == 3 && report["files"] == ["rootd"])
        #expect(report["digests"]?["kernel_size"] == 1 && report["blob"]?.stringValue?.count == 64)
        #expect(report["digests"]?["bootargs"]?.stringValue?.count == 128)
        #expect(!Data((try Data(contentsOf: URL(filePath: blob)))).contains(Data("the passphrase".utf8)))

        // Another blob with the same digests has another key, so that the statement is not about it.
        let other = "\(scratch.path)/other.esm"
        try run(arguments.map { $0 == blob ? other : $0 == statement ? "\(scratch.path)/other.jws" : $0 })
        #expect(throws: (any Error).self) {
            try run(["inspect", other, "--statement", statement, "--owner-key", ownerFile])
        }
        let stranger = try write(scratch, "stranger.pem", SigningKey.generate(.es256).publicPEM)
        #expect(throws: (any Error).self) {
            try run(["inspect", blob, "--statement", statement, "--owner-key", stranger])
        }
        #expect(throws: (any Error).self) { try run(["inspect", blob, "--statement", statement]) }
        #expect(throws: (any Error).self) { try run(arguments.map { $0.hasPrefix("rootd=") ? "a/b=x" : $0 }) }
    }
}
