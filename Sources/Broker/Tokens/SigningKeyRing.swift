import Encodings
import FoundationEssentials
import JOSE
import Logging
import Storage
import Synchronization
import X509Trust

/// The keys that sign attestation tokens, shared by all replicas through the database.
///
/// A certificate authority of this installation vouches for every one of them, so that a broker elsewhere can trust the
/// authority once and goes on trusting tokens when keys are rotated.
final class SigningKeyRing: Sendable {
    private static let tokenPurpose = "token"
    private static let authorityPurpose = "token-authority"
    private static let authorityDays = 3_650
    private static let certificateDays = 825

    struct Loaded: Sendable {
        private(set) var keys: [TokenSigningKey] = []
        private(set) var loadedAt = Date.distantPast
        private var begun = 0
        private var turn = 0

        /// Begins a load and says which one it is.
        mutating func begin() -> Int {
            begun += 1
            return begun
        }

        /// Takes over what a load found, unless one that began later was faster.
        mutating func take(_ keys: [TokenSigningKey], from turn: Int, at now: Date) {
            guard turn > self.turn else { return }
            (self.keys, self.loadedAt, self.turn) = (keys, now, turn)
        }
    }

    private let repository: SigningKeyRepository
    private let environment: BrokerEnvironment
    private let overlap: TimeInterval
    private let logger: Logger
    private let loaded = Mutex(Loaded())

    init(
        _ repository: SigningKeyRepository, environment: BrokerEnvironment, overlap: Duration, logger: Logger
    ) {
        self.repository = repository
        self.environment = environment
        self.overlap = overlap.inSeconds
        self.logger = logger
    }

    /// Makes the authority and the first key if there are none yet, and loads what there is.
    func prepare() async throws(BrokerError) {
        let now = environment.clock.now()
        let authority = try await ensure(Self.authorityPurpose) { try Self.newAuthority(at: now) }
        let issuer = try open(authority: authority)
        _ = try await ensure(Self.tokenPurpose) { try Self.newKey(vouchedBy: issuer, at: now) }
        try await load()
    }

    /// Loads the keys again; called when they changed.
    func load() async throws(BrokerError) {
        let now = environment.clock.now()
        let turn = loaded.withLock { $0.begin() }
        let stored = try await storing { () async throws(StorageError) in
            try await repository.list(purpose: Self.tokenPurpose, now: now)
        }
        var keys: [TokenSigningKey] = []
        for key in stored { keys.append(try open(key)) }
        loaded.withLock { $0.take(keys, from: turn, at: now) }
    }

    /// What signs new tokens.
    func issuer() throws(BrokerError) -> TokenIssuer {
        guard let active = loaded.withLock({ $0.keys.first { $0.retiredAt == nil } }) else {
            throw .unavailable("no_signing_key", "There is no key to sign tokens with")
        }
        return TokenIssuer(signer: active)
    }

    /// The keys whose tokens are accepted at `now`: the active one, and retired ones within their overlap.
    func accepted(at now: Date) -> [TokenSigningKey] {
        loaded.withLock { $0.keys }.filter { key in key.retiredAt.map { now < $0 } ?? true }
    }

    /// Loads the keys again unless that was done within the last second; for tokens of a signer that is not known (yet).
    func refresh() async throws(BrokerError) {
        let age = environment.clock.now().timeIntervalSince(loaded.withLock { $0.loadedAt })
        if abs(age) >= 1 { try await load() }
    }

    /// Whether there is a key to sign with.
    var isReady: Bool { (try? issuer()) != nil }

    /// Makes a new key the active one; tokens of the one before are accepted for the configured overlap.
    func rotate() async throws(BrokerError) -> TokenSigningKey {
        let now = environment.clock.now()
        let authority = try await ensure(Self.authorityPurpose) { try Self.newAuthority(at: now) }
        let fresh: NewSigningKey
        do {
            fresh = try Self.newKey(vouchedBy: try open(authority: authority), at: now)
        } catch {
            throw .internalFailure("key_generation_failed", "A new signing key could not be made")
        }
        let ends = now.addingTimeInterval(overlap)
        let stored = try await storing { () async throws(StorageError) in
            try await repository.rotate(purpose: Self.tokenPurpose, to: fresh, overlapEnds: ends)
        }
        try await load()
        return try open(stored)
    }

    private func ensure(
        _ purpose: String, make: @Sendable () throws -> NewSigningKey
    ) async throws(BrokerError) -> StoredSigningKey {
        do {
            return try await repository.ensure(purpose: purpose, make: make)
        } catch let error as StorageError {
            throw BrokerError(error)
        } catch {
            throw .internalFailure("key_generation_failed", "A new signing key could not be made")
        }
    }

    private static func newAuthority(at now: Date) throws -> NewSigningKey {
        let authority = try CertificateAuthority.generate(
            commonName: "Claviger token authority", validity: .days(authorityDays, from: now))
        return NewSigningKey(
            id: Hex.encode(SecretBytes.random(count: 16).copyBytes()), algorithm: "ES256", publicJWK: "{}",
            certificates: authority.certificatePEM, privateKey: authority.keyPEM)
    }

    private static func newKey(vouchedBy authority: CertificateAuthority, at now: Date) throws -> NewSigningKey {
        let key = try SigningKey.generate(.es256)
        let certificate = try authority.issue(
            publicKeyDER: key.verificationKey.subjectPublicKeyInfoDER, commonName: "Claviger token signer",
            usage: .tokenSigning, validity: .days(certificateDays, from: now))
        var pem = Array(try key.pemRepresentation().utf8)
        return NewSigningKey(
            id: key.verificationKey.thumbprint, algorithm: "ES256", publicJWK: key.publicJWK.serializedString(),
            certificates: certificate.pem + authority.certificatePEM, privateKey: SecretBytes(wiping: &pem))
    }

    private func open(authority stored: StoredSigningKey) throws(BrokerError) -> CertificateAuthority {
        do {
            return try CertificateAuthority(
                certificatePEM: stored.certificates ?? "", keyPEM: try repository.open(stored))
        } catch {
            throw .internalFailure("signing_key_unusable", "The stored token authority cannot be used")
        }
    }

    private func open(_ stored: StoredSigningKey) throws(BrokerError) -> TokenSigningKey {
        do {
            let secret = try repository.open(stored)
            let pem = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            let certificates = try stored.certificates.map { try Certificate.all(pem: $0) } ?? []
            return TokenSigningKey(
                id: stored.id, key: try SigningKey(pem: pem), certificates: certificates.map(\.der),
                createdAt: stored.createdAt, retiredAt: stored.retiresAt)
        } catch {
            throw .internalFailure("signing_key_unusable", "A stored signing key cannot be used")
        }
    }
}
