import Encodings
import FoundationEssentials
import JOSE
import Storage
import Synchronization

/// The keys to which values are sealed before they go to the broker, shared by all replicas through the database.
///
/// Their public halves are for everybody. They are kept in memory, so that handing them out costs the database nothing.
final class SealingKeyRing: Sendable {
    private static let purpose = "sealing"
    /// How long values that were sealed to a former key are still opened, in seconds: they lie in files and repositories.
    static let overlap: Double = 90 * 86_400

    private struct Key: Sendable {
        let id: String
        let publicJWK: JSONObject
        let retiresAt: Date?
        let privateKey: JWEPrivateKey
    }

    private let repository: SigningKeyRepository
    private let environment: BrokerEnvironment
    private let loaded = Mutex<(keys: [Key], at: Date)>(([], .distantPast))

    init(_ repository: SigningKeyRepository, environment: BrokerEnvironment) {
        self.repository = repository
        self.environment = environment
    }

    /// Makes the first key if there is none yet, and loads what there is.
    func prepare() async throws(BrokerError) {
        do {
            _ = try await repository.ensure(purpose: Self.purpose) { try Self.newKey() }
        } catch let error as StorageError {
            throw BrokerError(error)
        } catch {
            throw Self.generationFailed
        }
        try await load()
    }

    /// Loads the keys again; called when they changed.
    func load() async throws(BrokerError) {
        let now = environment.clock.now()
        let stored = try await storing { () async throws(StorageError) in
            try await repository.list(purpose: Self.purpose, now: now)
        }
        var keys: [Key] = []
        for key in stored { keys.append(try open(key)) }
        loaded.withLock { $0 = (keys, now) }
    }

    /// The public keys (RFC 7517): the one to seal to first, then former ones that still open.
    func publicKeys() -> JSONObject {
        let now = environment.clock.now()
        let keys = loaded.withLock { $0.keys }.filter { key in key.retiresAt.map { now < $0 } ?? true }
        return [
            "keys": .array(
                keys.map { key in
                    var jwk = key.publicJWK
                    jwk["kid"] = .string(key.id)
                    jwk["use"] = "enc"
                    return .object(jwk)
                })
        ]
    }

    /// The value of a sealed message and its header, which is authenticated then.
    ///
    /// - Throws: `malformed` when the key is not known or the message does not open.
    func open(_ sealed: SealedForBroker) async throws(BrokerError) -> SecretBytes {
        var key = privateKey(sealed.keyID)
        if key == nil {
            // Another replica may have made it just now; strangers' keys must not have the database asked each time.
            if abs(environment.clock.now().timeIntervalSince(loaded.withLock { $0.at })) >= 1 { try await load() }
            key = privateKey(sealed.keyID)
        }
        guard let key else {
            throw .secretRefused(
                "unknown_sealing_key", "The value is sealed to a key that this broker does not have (any more)")
        }
        do throws(JOSEError) {
            return try key.decrypt(compact: sealed.text, allowing: [.ecdhESA256KW]).plaintext
        } catch {
            throw .secretRefused("sealed_value_unusable", "The sealed value does not open: it was changed or damaged")
        }
    }

    /// Makes a new key the one to seal to.
    func rotate() async throws(BrokerError) {
        let fresh: NewSigningKey
        do {
            fresh = try Self.newKey()
        } catch {
            throw Self.generationFailed
        }
        let ends = environment.clock.now().addingTimeInterval(Self.overlap)
        _ = try await storing { () async throws(StorageError) in
            try await repository.rotate(purpose: Self.purpose, to: fresh, overlapEnds: ends)
        }
        try await load()
    }

    private func privateKey(_ id: String) -> JWEPrivateKey? {
        let now = environment.clock.now()
        return loaded.withLock { $0.keys }.first { key in
            key.id.utf8.elementsEqual(id.utf8) && (key.retiresAt.map { now < $0 } ?? true)
        }?.privateKey
    }

    private static func newKey() throws -> NewSigningKey {
        let key = try JWEPrivateKey.generate(.ecP256)
        var pem = Array(try key.pemRepresentation().utf8)
        return NewSigningKey(
            id: try JWKThumbprint.sha256(of: key.publicJWK), algorithm: key.algorithm.rawValue,
            publicJWK: key.publicJWK.serializedString(), privateKey: SecretBytes(wiping: &pem))
    }

    private func open(_ stored: StoredSigningKey) throws(BrokerError) -> Key {
        do {
            let pem = try repository.open(stored).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            let key = try JWEPrivateKey(pem: pem)
            // What is handed out comes from the private key: a public one in the database could be anybody's.
            guard try JWKThumbprint.sha256(of: key.publicJWK) == stored.id else { throw Self.unusable }
            return Key(
                id: stored.id, publicJWK: key.publicJWK, retiresAt: stored.retiresAt, privateKey: key)
        } catch {
            throw Self.unusable
        }
    }

    private static let unusable = BrokerError.internalFailure(
        "sealing_key_unusable", "A stored sealing key cannot be used")
    private static let generationFailed = BrokerError.internalFailure(
        "key_generation_failed", "A new sealing key could not be made")
}
