import Crypto
import Encodings
import FoundationEssentials
import KBSProtocol
import Policy
import RATS
import Storage
import Verification

/// What a guest gets for evidence that is believed.
public struct Attestation: Sendable {
    /// The attestation token (EAR, compact JWS).
    public let token: String
    /// The session, as a cookie.
    public let cookie: SessionCookieValue
}

extension Broker {
    /// Verifies and appraises evidence, and opens a session.
    ///
    /// - Parameters:
    ///   - body: The body of `/attest`.
    ///   - cookie: What `/auth` handed out; nothing else is accepted, in particular no session that exists already.
    /// - Throws: `unauthenticated` when the cookie holds no current challenge (before anything else is looked at), when
    ///   the evidence is not believed, and when the nonce was spent; `malformed` for a body that cannot be read.
    public func attest(body: [UInt8], cookie: String?) async throws(BrokerError) -> Attestation {
        metrics.attestationRequests.increment()
        do throws(BrokerError) {
            guard let challenge = openChallenge(cookie, at: environment.clock.now()) else {
                throw .attestationRefused(.unauthenticated, code: "no_current_challenge")
            }
            return try await attest(try attestRequest(body, challenge), challenge)
        } catch {
            // Evidence that was not believed has a decision and is counted as that.
            if error.decisionID == nil { metrics.attestationErrors.increment() }
            throw error
        }
    }

    /// Whether a cookie holds a challenge that may still be answered; without one there is no reason to read a body.
    public func isAwaited(cookie: String?) -> Bool {
        openChallenge(cookie, at: environment.clock.now()) != nil
    }

    private func attest(
        _ request: AttestRequest, _ challenge: ChallengeState
    ) async throws(BrokerError) -> Attestation {
        let appraised: Appraised
        do throws(EvidenceRefusal) {
            appraised = try await appraise(request, verificationContext(challenge.verifierState))
        } catch {
            let id = try await recordRefusedAttestation(error, challenge, now: environment.clock.now())
            metrics.attestationFailed(tee: challenge.tee.rawValue)
            throw .attestationRefused(.unauthenticated, code: error.code, decisionID: id)
        }
        let attestation = try await openSession(appraised, challenge)
        // Not before the nonce is spent: the same evidence sent again must not fill the ledger.
        for (comparison, tee) in appraised.rollbacks {
            try await recordRollback(comparison, tee: tee, now: appraised.date)
        }
        await note(appraised.sightings)
        metrics.attestationSucceeded(tee: challenge.tee.rawValue, version: challenge.version.rawValue)
        return attestation
    }

    private func attestRequest(
        _ body: [UInt8], _ challenge: ChallengeState
    ) throws(BrokerError) -> AttestRequest {
        let session = SessionParameters(
            version: challenge.version, tee: challenge.tee, nonce: challenge.nonce,
            concatenatedBinding: protocolPolicy.concatenatedBinding)
        do throws(KBSProtocolError) {
            return try AttestRequest(parsing: body, session: session)
        } catch {
            let malformed: Set = ["malformed_message", "mixed_shape"]
            throw .attestationRefused(
                malformed.contains(error.code) ? .malformed : .unauthenticated, code: error.code)
        }
    }

    private func appraise(
        _ request: AttestRequest, _ context: VerificationContext
    ) async throws(EvidenceRefusal) -> Appraised {
        // Without a guest's own evidence there is no key that anything could be sealed to.
        guard request.primary.tee.deviceClass == .cpu else {
            throw EvidenceRefusal(
                stage: "verification", code: "device_alone",
                message: "A device alone says nothing about a guest: whoever drives it has it sign what he likes. "
                    + "Send its evidence beside that of the guest.")
        }
        let claims: [EvidenceClaims]
        do throws(VerificationError) {
            claims = try await verifiers.verify(
                primary: request.primary, devices: request.devices, binding: request.binding,
                deviceBinding: request.deviceBinding, context: context)
        } catch {
            throw EvidenceRefusal(stage: "verification", code: error.code, message: error.message)
        }
        let launch = claims.first?.launch
        guard launch == nil || claims.count == 1 else {
            throw EvidenceRefusal(
                stage: "verification", code: "unbound_evidence", message: "Nothing can be bound to a launch beside it.")
        }
        let primaryCount = claims.count - claims.drop { $0.tee == request.primary.tee }.count
        let comparisons = try await comparisons(of: claims)
        let inputs = claims.enumerated().map { index, claim in
            let isPrimary = index < max(primaryCount, 1)
            return AppraisalInput(
                claims: claim,
                runtimeDataClaims: launch == nil
                    ? .object(isPrimary ? request.runtimeData : request.deviceRuntimeData) : nil,
                initDataClaims: isPrimary && launch == nil ? request.initData.map { .object($0.claims) } : nil,
                platformClaims: comparisons[index]?.claims)
        }
        let snapshot: CompiledPolicies
        do throws(BrokerError) {
            snapshot = try await policies.current()
        } catch {
            throw EvidenceRefusal(stage: "storage", code: error.code, message: error.message, unavailable: error)
        }
        let now = environment.clock.now()
        switch snapshot.bundle.appraisalReport(inputs, now: now) {
        case .success(let report):
            let rollbacks = zip(claims, comparisons).compactMap { claim, comparison in
                comparison.flatMap { $0.lowered.isEmpty ? nil : ($0, claim.tee) }
            }
            return Appraised(
                report: report, date: now, rollbacks: rollbacks, launch: launch,
                sightings: claims.flatMap(MeasurementWatch.sightings))
        case .failure(let failure):
            throw EvidenceRefusal(
                stage: "appraisal", code: failure.code, message: failure.message, bundleDigest: snapshot.bundle.digest)
        }
    }

    /// What is remembered of the machine behind each piece of evidence.
    private func comparisons(of claims: [EvidenceClaims]) async throws(EvidenceRefusal) -> [PlatformComparison?] {
        var comparisons: [PlatformComparison?] = []
        for claim in claims {
            do throws(BrokerError) {
                comparisons.append(try await compare(claim.platform))
            } catch {
                throw EvidenceRefusal(stage: "storage", code: error.code, message: error.message, unavailable: error)
            }
        }
        return comparisons
    }

    /// What every verifier is handed besides the evidence.
    func verificationContext(_ state: [UInt8]? = nil) -> VerificationContext {
        VerificationContext(clock: environment.clock, collateral: collateral, challengeState: state)
    }

    private func openSession(
        _ appraised: Appraised, _ challenge: ChallengeState
    ) async throws(BrokerError) -> Attestation {
        let report = appraised.report
        let issuedAt = Date(wholeSeconds: appraised.date.wholeSeconds)
        let secret = sessionCookies.fresh()
        let result = AttestationResult(
            issuer: configuration.token.issuer, audience: configuration.token.audience,
            id: secret.tokenID, issuedAt: issuedAt, notBefore: issuedAt,
            expiresAt: Date(
                wholeSeconds: issuedAt.addingTimeInterval(configuration.token.lifetime.inSeconds).wholeSeconds),
            verifierDeveloper: configuration.attestation.verifierDeveloper,
            verifierBuild: configuration.attestation.verifierBuild, appraisals: report.appraisals,
            protocolVersion: challenge.version.rawValue)
        let token = try signingKeys.issuer().sign(result)
        let record = AttestationRecord(result.ledgerEvidence())
        let state = SessionState(
            attestation: result, appraisals: report.traces, recordDigest: record.digest, launch: appraised.launch)
        try await storeSession(secret, state, record, spending: challenge)
        return Attestation(token: token, cookie: SessionCookieValue(value: secret.text, expiresAt: result.expiresAt))
    }
}

/// What evidence that is believed led to.
private struct Appraised {
    let report: AppraisalReport
    /// When the report was made: verifiers may have waited for collateral, and what ended meanwhile has ended.
    let date: Date
    /// Machines that have shown newer firmware before.
    let rollbacks: [(PlatformComparison, TEE)]
    /// Where secrets go that no key of a guest's is there for.
    let launch: LaunchRecipient?
    /// What was measured of the guest.
    let sightings: [MeasurementSighting]
}

/// Why evidence was not believed, for the record; only the code is for the guest.
struct EvidenceRefusal: Error, Sendable {
    let stage: String
    let code: String
    let message: String
    var bundleDigest: String = ""
    /// Set when the reason has nothing to do with the evidence.
    var unavailable: BrokerError?
}
