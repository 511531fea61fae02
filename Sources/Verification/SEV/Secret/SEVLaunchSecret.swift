public import Encodings
public import RATS

/// A packet of secrets that only one launch can open: its platform decrypts it into the guest's memory (Secure Encrypted
/// Virtualization API, section 6.6).
public struct SEVLaunchSecret: Sendable, Hashable {
    /// The first counter block, 16 bytes.
    package let vector: [UInt8]
    /// HMAC-SHA256 over the packet and the launch's measure, 32 bytes.
    package let code: [UInt8]
    /// The encrypted table.
    package let ciphertext: [UInt8]

    /// A packet with one secret under its name.
    ///
    /// Throws `launch_secret_too_large` for more than 16,344 bytes and `request_failed` when a cipher is missing.
    public init(_ secret: SecretBytes, as guid: SEVSecretGUID, for launch: LaunchRecipient) throws(VerificationError) {
        var data = secret.copyBytes()
        defer { wipe(&data) }
        guard var table = SEVSecretTable.bytes([(guid, data)]) else {
            throw VerificationError(
                code: "launch_secret_too_large",
                message: "A launch takes at most \(SEVSecretTable.maximumEntryByteCount) bytes at a time.")
        }
        defer { wipe(&table) }
        try self.init(table: table, for: launch, vector: SEVKeys.random(16))
    }

    /// A packet with a whole table. The vector must be another for each packet of a launch.
    package init(table: [UInt8], for launch: LaunchRecipient, vector: [UInt8]) throws(VerificationError) {
        guard
            let encrypted = try? launch.encryptionKey.withUnsafeBytes({ key in
                try SEVKeys.counterMode(table, key: Array(key), vector: vector)
            })
        else { throw VerificationError(code: "request_failed", message: "The secret could not be encrypted.") }
        self.vector = vector
        ciphertext = encrypted
        code = Self.code(of: encrypted, vector: vector, for: launch)
    }

    /// The code over a packet without flags, whose plain text is as long as what it was encrypted to.
    package static func code(of ciphertext: [UInt8], vector: [UInt8], for launch: LaunchRecipient) -> [UInt8] {
        let length = SEVNumbers.littleEndian(UInt32(truncatingIfNeeded: ciphertext.count))
        return SEVKeys.code(
            [0x01] + header + vector + length + length + ciphertext + launch.measure, key: launch.integrityKey)
    }

    private static let header: [UInt8] = [0, 0, 0, 0]

    /// The header as firmware takes it, 52 bytes: flags, vector and code.
    package var headerBytes: [UInt8] { Self.header + vector + code }

    /// The packet as clients of the KBS protocol for SEV read it.
    public var json: JSONValue {
        [
            "header": [
                "flags": ["bits": 0], "iv": SEVLaunchSession.list(vector), "mac": SEVLaunchSession.list(code),
            ],
            "ciphertext": SEVLaunchSession.list(ciphertext),
        ]
    }
}
