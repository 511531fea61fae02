import Crypto
import CryptoExtras
import Encodings

/// A message authentication code over a volume's header, kept in a LUKS2 token: whoever does not know the volume's key
/// cannot change the header unnoticed, nor make one.
///
/// The code's key is derived from the volume's key with scrypt, so that the code does not help to guess a weak one more
/// than the key slot itself does.
struct LUKSSeal: Sendable, Hashable {
    private static let tokenType = "claviger-volume"
    private static let version = "1"
    private static let domain = "claviger volume header 1"

    private let code: [UInt8]

    /// Reads the token.
    ///
    /// - Throws: `GuestError` with `volume_refused` for tokens of others.
    init(token: LUKSObject) throws(GuestError) {
        try token.demand("type", Self.tokenType)
        try token.allow("type", "keyslots", "version", "mac")
        try token.demand("version", Self.version)
        guard try token.names("keyslots").isEmpty else { throw token.refusal("it claims key slots") }
        code = try token.binary("mac", 32...32)
    }

    /// The seal of a header.
    ///
    /// - Parameters:
    ///   - area: the device from its start on, key slots included.
    ///   - key: the volume's key.
    init(of header: LUKSHeader, _ metadata: LUKSMetadata, area: [UInt8], key: SecretBytes) throws(GuestError) {
        code = Array(
            HMAC<SHA256>.authenticationCode(
                for: try Self.text(header, metadata, area), using: try Self.derivedKey(key, header)))
    }

    /// Whether the header is the one that was sealed with this key; compared in constant time.
    func isValid(
        for header: LUKSHeader, _ metadata: LUKSMetadata, area: [UInt8], key: SecretBytes
    ) throws(GuestError) -> Bool {
        constantTimeEqual(code, try LUKSSeal(of: header, metadata, area: area, key: key).code)
    }

    /// What `cryptsetup token import` reads.
    var token: [UInt8] {
        JSONObject([
            ("type", .string(Self.tokenType)), ("keyslots", .array([])), ("version", .string(Self.version)),
            ("mac", .string(Base64.encode(code))),
        ]).serialized()
    }

    /// Everything of the header but its sequence number, its salts and the seal, which change when the seal is put in.
    private static func text(
        _ header: LUKSHeader, _ metadata: LUKSMetadata, _ area: [UInt8]
    ) throws(GuestError) -> [UInt8] {
        guard area.count >= metadata.areaSize else { throw LUKSHeader.refusal("its key slots are cut off") }
        var document = header.metadata
        document["tokens"] = .object(JSONObject())
        let slot = SHA256.hash(data: area[metadata.keyslot])
        do throws(JSONError) {
            return try JSONValue.object([
                "domain": .string(domain), "uuid": .string(header.uuid), "label": .string(header.label),
                "subsystem": .string(header.subsystem), "size": .int(Int64(header.size)),
                "metadata": .object(document), "keyslot": .string(Hex.encode(Array(slot))),
            ]).canonical()
        } catch {
            throw LUKSHeader.refusal("its metadata has no canonical form: \(error.message)")
        }
    }

    private static func derivedKey(_ key: SecretBytes, _ header: LUKSHeader) throws(GuestError) -> SymmetricKey {
        do {
            // 64 MiB, as the key slots that this agent makes.
            return try key.withUnsafeBytes { bytes in
                try KDF.Scrypt.deriveKey(
                    from: bytes, salt: Array((domain + header.uuid).utf8), outputByteCount: 32, rounds: 65_536,
                    blockSize: 8, parallelism: 1)
            }
        } catch {
            throw GuestError(.volume, "The memory for checking the volume's seal (64 MiB) is not to be had.")
        }
    }
}
