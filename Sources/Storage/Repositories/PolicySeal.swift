import Crypto
import Encodings

/// The authentication of all policies and reference values of one generation: HMAC-SHA-256 over generation and manifest
/// under a key that is derived from a key-encryption key, which the database never sees.
struct PolicySeal: Sendable, Equatable {
    let generation: Int64
    let keyID: String
    let entries: String
    let mac: [UInt8]

    init(generation: Int64, keyID: String, entries: String, mac: [UInt8]) {
        self.generation = generation
        self.keyID = keyID
        self.entries = entries
        self.mac = mac
    }

    /// Seals a manifest for a generation under the ring's current key.
    init(_ manifest: PolicyManifest, generation: Int64, keys: KeyEncryptionKeyRing) throws(StorageError) {
        let entries = manifest.text
        let key = try keys.derive(purpose: .policySeal)
        let code = HMAC<SHA256>.authenticationCode(for: Self.message(generation, entries), using: key)
        self.init(generation: generation, keyID: keys.currentKeyID, entries: entries, mac: Array(code))
    }

    /// The manifest, when the seal was made with a key of the ring and is unchanged.
    func open(keys: KeyEncryptionKeyRing) -> PolicyManifest? {
        guard let key = try? keys.derive(purpose: .policySeal, keyID: keyID),
            HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: Self.message(generation, entries), using: key)
        else { return nil }
        return PolicyManifest(entries)
    }

    private static func message(_ generation: Int64, _ entries: String) -> [UInt8] {
        BoundContext(.policySeal, [BoundContext.field(Int(generation)), Array(entries.utf8)]).bytes
    }
}

extension PolicySeal {
    /// Stores the seal in place of the one before.
    func storing() throws(StorageError) -> SQLStatement {
        try SQLStatement(Self.store, [.int(generation), .text(keyID), .text(entries), .bytes(mac)])
    }

    /// Stores the seal unless another one than `old` is there by now.
    func replacing(_ old: PolicySeal) throws(StorageError) -> SQLStatement {
        try SQLStatement(
            Self.exchange, [.int(generation), .text(keyID), .text(entries), .bytes(mac), .bytes(old.mac)])
    }

    private static let store = SQL(
        """
        INSERT INTO policy_seal (generation, key_id, entries, mac)
        VALUES ($1::bigint, $2::text, $3::text, $4::bytea)
        ON CONFLICT (only_row) DO UPDATE SET generation = excluded.generation, key_id = excluded.key_id,
            entries = excluded.entries, mac = excluded.mac
        """)

    private static let exchange = SQL(
        """
        UPDATE policy_seal SET generation = $1::bigint, key_id = $2::text, entries = $3::text, mac = $4::bytea
        WHERE mac = $5::bytea
        """)
}
