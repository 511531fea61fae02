import Encodings
import FoundationEssentials
import JOSE
import KBSProtocol
import Policy
import RATS
import Storage

/// An attested caller.
struct Caller: Sendable {
    /// The caller as policies see him.
    let subject: ReleaseSubject
    /// The key that secrets are sealed to; `nil` when the attested key cannot be used here.
    let recipient: JWERecipient?
    /// The launch that secrets go to in place of a key; only a session leads there.
    var launch: LaunchRecipient? { state?.launch }
    /// What of his claims a decision keeps: all but what the attestation's record has.
    let ledgerClaims: JSONObject
    /// The digest of the attestation's record in the ledger.
    var attestationRecord: [UInt8]? { state?.recordDigest }
    /// His session; nil when only his token is at hand.
    let state: SessionState?

    /// What was verified of him.
    var attestation: AttestationResult { subject.attestation }

    /// What an explanation should say about the caller's grades in any case.
    var notes: [String] { state?.notes ?? [] }

    /// A caller known from his session.
    init(_ state: SessionState, legacy: Bool) {
        self.init(state.attestation, state, legacy: legacy)
    }

    /// A caller known from his token.
    init(_ attestation: AttestationResult, legacy: Bool) {
        self.init(attestation, nil, legacy: legacy)
    }

    private init(_ attestation: AttestationResult, _ state: SessionState?, legacy: Bool) {
        subject = ReleaseSubject(attestation)
        self.state = state
        // A key of the old kind is good only for a guest that attested in the old way, and only while that is served.
        let version = attestation.protocolVersion.flatMap(ProtocolVersion.init(rawValue:))
        let isLegacyGuest = legacy && version.map { $0 < .v0_2_0 } ?? false
        let allowed: Set<KeyManagementAlgorithm> = isLegacyGuest ? [.rsa15] : .standard
        recipient = attestation.teeKey.flatMap { try? JWERecipient(jwk: $0, allowing: allowed) }
        ledgerClaims = attestation.ledgerClaims(withEvidence: state?.recordDigest == nil)
    }
}

extension Broker {
    /// Who asks, from the session cookie if it leads to a session, else from the bearer token, together with everything else
    /// that a release needs from the database, in one round trip.
    func credential(
        _ input: ReleaseInput, now: Date
    ) async throws(BrokerError) -> (caller: Caller, read: DecidingRead.Answer) {
        let hash = input.sessionCookie.flatMap(sessionCookies.hash(of:))
        // Nothing is looked up for a token that is not believed.
        let bearer = await verified(input.bearer, now: now)
        if hash == nil { _ = try Self.attestation(bearer) }
        let attestation = try? bearer?.get()
        let subjects = attestation.map(Self.subjects) ?? []
        let read = try await decidingRead(hash, input, subjects, now: now)
        if let session = read.session {
            guard !read.isRevoked else { throw .tokenRefused("revoked") }
            return (try caller(of: session), read)
        }
        let caller = Caller(try Self.attestation(bearer), legacy: configuration.protocolVersions.legacy)
        // With a cookie that led nowhere the resource was not looked up.
        let complete = hash == nil ? read : try await decidingRead(nil, input, subjects, now: now)
        guard !complete.isRevoked else { throw .tokenRefused("revoked") }
        return (caller, complete)
    }

    private func caller(of session: SealedSession) throws(BrokerError) -> Caller {
        if let known = callers.caller(of: session) { return known }
        let payload = try opened(session)
        guard let state = SessionState(parsing: payload) else {
            throw .internalFailure("session_unreadable", "The session cannot be used")
        }
        let caller = Caller(state, legacy: configuration.protocolVersions.legacy)
        callers.keep(caller, of: session)
        return caller
    }

    /// The session of a caller, which tells how his grades came about, as far as it is still known: a token of this
    /// broker's own names its session.
    func sessionState(of caller: Caller, now: Date) async -> SessionState? {
        if let known = caller.state { return known }
        let attestation = caller.attestation
        let time = now.addingTimeInterval(-configuration.session.clockTolerance.inSeconds)
        guard attestation.issuer == configuration.token.issuer,
            let hash = SessionSecret.hash(ofTokenID: attestation.id),
            let payload = try? await sessions.find(sessionHash: hash, now: time),
            let state = SessionState(parsing: payload), state.attestation.id == attestation.id
        else { return nil }
        return state
    }

    private func opened(_ session: SealedSession) throws(BrokerError) -> [UInt8] {
        do throws(StorageError) {
            return try decidingRead.open(session)
        } catch {
            throw BrokerError(error)
        }
    }

    private func decidingRead(
        _ hash: [UInt8]?, _ input: ReleaseInput, _ subjects: [RevocationSubject], now: Date
    ) async throws(BrokerError) -> DecidingRead.Answer {
        let time = now.addingTimeInterval(-configuration.session.clockTolerance.inSeconds)
        return try await storing { () async throws(StorageError) in
            try await decidingRead(sessionHash: hash, path: input.path.description, subjects: subjects, now: time)
        }
    }

    private static func attestation(
        _ bearer: Result<AttestationResult, BrokerError>?
    ) throws(BrokerError) -> AttestationResult {
        guard let bearer else { throw .credentialMissing }
        return try bearer.get()
    }

    private func verified(_ bearer: String?, now: Date) async -> Result<AttestationResult, BrokerError>? {
        guard let bearer else { return nil }
        do throws(BrokerError) {
            return .success(try await verify(bearer, now: now))
        } catch {
            return .failure(error)
        }
    }

    private func verify(_ bearer: String, now: Date) async throws(BrokerError) -> AttestationResult {
        do throws(BrokerError) {
            return try tokenVerifier.verify(bearer, ownKeys: signingKeys.accepted(at: now), now: now)
        } catch {
            // Another replica may have begun to sign with a new key a moment ago.
            guard error.code == "unknown_signer" else { throw error }
            try await signingKeys.refresh()
            return try tokenVerifier.verify(bearer, ownKeys: signingKeys.accepted(at: now), now: now)
        }
    }

    /// What revokes a session or token with these claims.
    static func subjects(of attestation: AttestationResult) -> [RevocationSubject] {
        var subjects: [RevocationSubject] = []
        if !attestation.id.isEmpty { subjects.append(.token(attestation.id)) }
        if let key = attestation.teeKey, let thumbprint = try? JWKThumbprint.sha256(of: key) {
            subjects.append(.teeKey(thumbprint))
        }
        for appraisal in attestation.appraisals where appraisal.tee == .pef {
            for (claim, kind) in RevocationTarget.esmClaims {
                guard let value = appraisal.claims[claim]?.stringValue else { continue }
                subjects.append(RevocationTarget(kind: kind, value: value).subject)
            }
        }
        return subjects
    }
}
