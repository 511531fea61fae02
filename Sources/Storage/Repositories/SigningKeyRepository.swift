import Encodings
import FoundationEssentials

/// A signing key to be stored.
public struct NewSigningKey: Sendable {
    /// The key's id (`kid`).
    public let id: String
    /// The JOSE algorithm name.
    public let algorithm: String
    /// The public key as JWK JSON text.
    public let publicJWK: String
    /// The certificate chain in PEM, the leaf first, if there is one.
    public let certificates: String?
    /// The private key in PEM.
    public let privateKey: SecretBytes

    /// A key from its parts.
    public init(id: String, algorithm: String, publicJWK: String, certificates: String? = nil, privateKey: SecretBytes)
    {
        self.id = id
        self.algorithm = algorithm
        self.publicJWK = publicJWK
        self.certificates = certificates
        self.privateKey = privateKey
    }
}

/// A stored signing key; its private part is sealed.
public struct StoredSigningKey: Sendable, Hashable {
    /// The key's id (`kid`).
    public let id: String
    /// What it signs, for instance `token`.
    public let purpose: String
    /// The JOSE algorithm name.
    public let algorithm: String
    /// The public key as JWK JSON text.
    public let publicJWK: String
    /// The certificate chain in PEM, the leaf first, if there is one.
    public let certificates: String?
    /// When it was made, by the database's clock.
    public let createdAt: Date
    /// Until when its signatures are still accepted; nil for the active key.
    public let retiresAt: Date?
    let sealedPrivateKey: [UInt8]

    /// Whether it is the key that signs.
    public var isActive: Bool { retiresAt == nil }
}

/// The broker's signing keys, shared by all replicas: per purpose one active key and those that still overlap.
public struct SigningKeyRepository: Sendable {
    /// The channel that is notified with the purpose when its keys change.
    public static let channel = "claviger_keys"

    private let database: Database
    private let keys: KeyEncryptionKeyRing

    /// A repository over a migrated database.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
    }

    /// The active key of a purpose. If there is none, `make` is called and its key stored; when several brokers do so at
    /// once, all of them get the one key that won.
    public func ensure(
        purpose: String, make: @Sendable () throws -> NewSigningKey
    ) async throws -> StoredSigningKey {
        if let key = try await active(purpose: purpose) { return key }
        let fresh = try make()
        _ = try await database.transaction([try insertion(fresh, purpose), SQLStatement(Self.notify, [.text(purpose)])])
        guard let key = try await active(purpose: purpose) else {
            throw StorageError.conflict("another signing key has the same id")
        }
        return key
    }

    /// The active key of a purpose; nil if there is none.
    public func active(purpose: String) async throws(StorageError) -> StoredSigningKey? {
        try await list(purpose: purpose).first { $0.isActive }
    }

    /// The keys of a purpose whose signatures are accepted at `now`, the active one first.
    public func list(purpose: String, now: Date = Date()) async throws(StorageError) -> [StoredSigningKey] {
        var found: [StoredSigningKey] = []
        for row in try await database.read(SQLStatement(Self.select, [.text(purpose), .date(now)])) {
            found.append(try StoredSigningKey(row, purpose: purpose))
        }
        return found
    }

    /// Makes `key` the active one; the one before stays accepted until `overlapEnds`.
    ///
    /// - Throws: `conflict` when a key of that id exists or another rotation won.
    public func rotate(
        purpose: String, to key: NewSigningKey, overlapEnds: Date
    ) async throws(StorageError) -> StoredSigningKey {
        let results = try await database.transaction([
            SQLStatement(Self.lock, [.text("claviger signing keys " + purpose)]),
            SQLStatement(Self.retire, [.text(purpose), .date(overlapEnds)]),
            try insertion(key, purpose),
            SQLStatement(Self.requireInserted, [.text(key.id), .text(purpose)]),
            SQLStatement(Self.notify, [.text(purpose)]),
        ])
        guard results.count == 5, let stored = try await list(purpose: purpose).first(where: { $0.id == key.id }) else {
            throw .conflict("another rotation came at the same time")
        }
        return stored
    }

    /// The private key in PEM.
    ///
    /// - Throws: `corrupt` when the row was changed or moved, or its key-encryption key is not in the ring.
    public func open(_ key: StoredSigningKey) throws(StorageError) -> SecretBytes {
        try keys.open(key.sealedPrivateKey, purpose: .signingKey, fields: Self.fields(key.purpose, key.id))
    }

    /// Seals all private keys that are under another key-encryption key under the current one; returns how many.
    public func rewrap() async throws(StorageError) -> Int {
        let rows = try await database.read(SQLStatement(Self.underOtherKeys, [.text(keys.currentKeyID)]))
        for row in rows {
            let (id, purpose, sealed) = (try row.text(0), try row.text(1), try row.bytes(2))
            let fields = Self.fields(purpose, id)
            let secret = try keys.open(sealed, purpose: .signingKey, fields: fields)
            let fresh = try keys.seal(secret, purpose: .signingKey, fields: fields)
            _ = try await database.write(
                SQLStatement(
                    Self.replace, [.text(id), .bytes(sealed), .bytes(fresh), .text(keys.currentKeyID)]))
        }
        return rows.count
    }

    private func insertion(_ key: NewSigningKey, _ purpose: String) throws(StorageError) -> SQLStatement {
        let sealed = try keys.seal(key.privateKey, purpose: .signingKey, fields: Self.fields(purpose, key.id))
        return try SQLStatement(
            Self.insert,
            [
                .text(key.id), .text(purpose), .text(key.algorithm), .text(key.publicJWK),
                .text(orNull: key.certificates), .text(keys.currentKeyID), .bytes(sealed),
            ])
    }

    private static func fields(_ purpose: String, _ id: String) -> [[UInt8]] { [Array(purpose.utf8), Array(id.utf8)] }

    private static let lock = SQL("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")

    private static let retire = SQL(
        "UPDATE signing_keys SET retires_at = $2::timestamptz WHERE purpose = $1::text AND retires_at IS NULL")

    private static let insert = SQL(
        """
        INSERT INTO signing_keys (id, purpose, algorithm, public_jwk, certificates, key_id, sealed_private_key)
        VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::bytea) ON CONFLICT DO NOTHING
        """)

    private static let requireInserted = SQL(
        """
        SELECT claviger_require(EXISTS (
            SELECT 1 FROM signing_keys WHERE id = $1::text AND purpose = $2::text AND retires_at IS NULL
        ), 'another signing key has the same id')
        """)

    private static let notify = SQL("SELECT pg_notify('\(channel)', $1::text)")

    private static let select = SQL(
        """
        SELECT id, algorithm, public_jwk, certificates, created_at, retires_at, sealed_private_key FROM signing_keys
        WHERE purpose = $1::text AND (retires_at IS NULL OR retires_at > $2::timestamptz)
        ORDER BY retires_at DESC NULLS FIRST
        """)

    private static let underOtherKeys = SQL(
        "SELECT id, purpose, sealed_private_key FROM signing_keys WHERE key_id <> $1::text")

    private static let replace = SQL(
        """
        UPDATE signing_keys SET sealed_private_key = $3::bytea, key_id = $4::text
        WHERE id = $1::text AND sealed_private_key = $2::bytea
        """)
}

extension StoredSigningKey {
    init(_ row: SQLRow, purpose: String) throws(StorageError) {
        id = try row.text(0)
        self.purpose = purpose
        algorithm = try row.text(1)
        publicJWK = try row.text(2)
        certificates = try row.optionalText(3)
        createdAt = try row.date(4)
        retiresAt = try row.optionalDate(5)
        sealedPrivateKey = try row.bytes(6)
    }
}
