import Crypto
import Encodings

/// The key-encryption keys of a broker: the first is current and encrypts, the others still decrypt. The database never
/// sees them.
///
/// As a text the ring is one line per key, `id:base64` (32 bytes, standard alphabet with padding), the current key
/// first; empty lines and lines that start with `#` are skipped. To rotate, append a new line, let all brokers read it,
/// move it to the top, let them read that, rewrap (`ResourceRepository.rewrap`, `SigningKeyRepository.rewrap`), and
/// remove the old line when no session that is sealed under it lives any more. From then on backups of the database from before are unreadable too.
public struct KeyEncryptionKeyRing: Sendable {
    private let keys: [KeyEncryptionKey]
    private let current: KeyEncryptionKey

    /// The name of the key that encrypts.
    public var currentKeyID: String { current.id }
    /// The names of all keys, the current one first.
    public var keyIDs: [String] { keys.map(\.id) }

    /// A ring from its keys, the current one first.
    ///
    /// - Throws: `invalid` when there is no key or two have the same name.
    public init(keys: [KeyEncryptionKey]) throws(StorageError) {
        guard let first = keys.first else { throw .invalid("the key ring holds no key") }
        guard Set(keys.map(\.id)).count == keys.count else { throw .invalid("the key ring names two keys alike") }
        self.keys = keys
        current = first
    }

    private init(only key: KeyEncryptionKey) {
        keys = [key]
        current = key
    }

    /// A ring with one fresh random key.
    public static func generate() -> KeyEncryptionKeyRing {
        KeyEncryptionKeyRing(only: .random())
    }

    /// The same keys under a fresh random current key.
    public func rotated() -> KeyEncryptionKeyRing {
        let fresh = KeyEncryptionKey.random()
        return KeyEncryptionKeyRing(current: fresh, others: keys)
    }

    private init(current: KeyEncryptionKey, others: [KeyEncryptionKey]) {
        self.current = current
        keys = [current] + others
    }

    /// A key for one purpose and one list of fields, derived by HKDF-Expand-SHA-256 with length-prefixed domain separation.
    ///
    /// - Parameter keyID: the key to derive from; the current one by default.
    /// - Throws: `corrupt` when the ring has no key of that name.
    public func derive(
        purpose: KeyPurpose, fields: [[UInt8]] = [], keyID: String? = nil
    ) throws(StorageError) -> SymmetricKey {
        // Set apart from the keys of `seal`: no salt there, which whoever writes to the database can choose, has this length.
        try key(keyID ?? currentKeyID).derive(
            BoundContext(purpose, fields), suffix: Array("claviger key derived for a purpose of its own".utf8))
    }

    /// Encrypts under a key that is derived for this one message (HKDF-Expand-SHA-256 over a random 32-byte salt, AES-256-GCM),
    /// bound to a purpose and a list of fields. The result names the key-encryption key.
    ///
    /// - Throws: `internal`.
    public func seal(
        _ plaintext: SecretBytes, purpose: KeyPurpose, fields: [[UInt8]] = []
    ) throws(StorageError) -> [UInt8] {
        let context = BoundContext(purpose, fields)
        let salt = SecretBytes.random(count: SealedMessage.saltLength).copyBytes()
        let key = current.derive(context, suffix: salt)
        let box = try plaintext.withUnsafeBytes { bytes throws(StorageError) in
            try AuthenticatedEncryption.seal(bytes, under: key, binding: context)
        }
        return SealedMessage(keyID: current.id, salt: salt, box: box[...]).serialized()
    }

    /// Decrypts what `seal` made for the same purpose and fields under any key of the ring.
    ///
    /// - Throws: `corrupt` when the bytes were changed, belong to other fields or need a key that the ring lacks.
    public func open(
        _ sealed: [UInt8], purpose: KeyPurpose, fields: [[UInt8]] = []
    ) throws(StorageError) -> SecretBytes {
        let message = try SealedMessage(sealed)
        let context = BoundContext(purpose, fields)
        let key = try key(message.keyID).derive(context, suffix: message.salt)
        return try AuthenticatedEncryption.open(message.box, under: key, binding: context)
    }

    /// Whether what ``seal(_:purpose:fields:)`` made names a key that the ring does not have.
    func lacksKey(of sealed: [UInt8]) -> Bool {
        (try? SealedMessage(sealed)).map { !contains($0.keyID) } ?? false
    }

    func contains(_ id: String) -> Bool { keys.contains { $0.id == id } }

    private func key(_ id: String) throws(StorageError) -> KeyEncryptionKey {
        guard let key = keys.first(where: { $0.id == id }) else {
            throw .corrupt("the key ring has no key-encryption key of the name that stored bytes need")
        }
        return key
    }

    var allKeys: [KeyEncryptionKey] { keys }
}

extension KeyEncryptionKey {
    /// A fresh random key, named by random hex digits.
    fileprivate static func random() -> KeyEncryptionKey {
        KeyEncryptionKey(
            unchecked: "k" + Hex.encode(SecretBytes.random(count: 6).copyBytes()), .random(count: length))
    }

    private init(unchecked id: String, _ secret: SecretBytes) {
        self.id = id
        self.secret = secret
    }
}
