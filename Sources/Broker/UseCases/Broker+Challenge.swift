import Encodings
import FoundationEssentials
public import KBSProtocol
import RATS
import Verification

extension Broker {
    /// Opens the handshake: a fresh nonce, and a sealed cookie that says what was asked.
    ///
    /// Nothing is stored: whoever sends the cookie back brings everything that is needed to go on, and every replica can
    /// read it. Throws `unauthenticated` for a protocol version that is not served (released clients expect that status),
    /// `unavailable` when the verifier cannot make the challenge that the kind of hardware needs, and `malformed` for
    /// everything else that is wrong.
    public func challenge(
        _ body: [UInt8]
    ) async throws(BrokerError) -> (challenge: Challenge, cookie: SessionCookieValue) {
        metrics.challengeRequests.increment()
        do throws(BrokerError) {
            let request = try authRequest(body)
            let own = try await verifierChallenge(request)
            let challenge = Challenge(
                nonce: own?.nonce ?? Base64.encode(environment.nonce()),
                extraParameters: own?.extraParameters ?? .string(""))
            let now = environment.clock.now()
            let state = ChallengeState(
                version: request.version, tee: request.tee, nonce: challenge.nonce, verifierState: own?.state,
                issuedAt: now,
                expiresAt: now.addingTimeInterval(configuration.session.challengeLifetime.inSeconds))
            let sealed = try challengeBox.seal(state.serialized())
            metrics.challengesIssued.increment()
            return (challenge, SessionCookieValue(value: Base64.encodeURL(sealed), expiresAt: state.expiresAt))
        } catch {
            metrics.challengeErrors.increment()
            throw error
        }
    }

    /// The challenge that the kind of hardware needs. A kind that nobody verifies here is refused when its evidence comes,
    /// where the refusal is recorded.
    private func verifierChallenge(_ request: AuthRequest) async throws(BrokerError) -> VerifierChallenge? {
        guard verifiers.tees.contains(request.tee) else { return nil }
        do throws(VerificationError) {
            return try await verifiers.challenge(
                for: request.tee, extraParameters: request.extraParameters, context: verificationContext())
        } catch {
            // What other kinds refuse is in the request, and whoever sent it may know.
            guard request.tee == .se else {
                throw .challengeRefused(.unauthenticated, code: error.code, error.message)
            }
            // Nothing in a request for Secure Execution can be wrong: the operator lacks something, such as a current
            // revocation list. What it is, is not for anybody who asks, and a guest that comes back may find it mended.
            logger.warning(
                "no challenge for a guest",
                metadata: ["tee": "\(request.tee.rawValue)", "code": "\(error.code)", "reason": "\(error.message)"])
            throw .unavailable(error.code, "Guests of this kind cannot be attested now; try again later")
        }
    }

    private func authRequest(_ body: [UInt8]) throws(BrokerError) -> AuthRequest {
        do throws(KBSProtocolError) {
            return try AuthRequest(parsing: body, policy: protocolPolicy)
        } catch {
            let kind: BrokerError.Kind = error.code == "version_mismatch" ? .unauthenticated : .malformed
            throw .challengeRefused(kind, code: error.code, error.message)
        }
    }

    /// The challenge that a cookie holds, if it is one of ours and may still be answered.
    func openChallenge(_ cookie: String?, at now: Date) -> ChallengeState? {
        guard let cookie, cookie.utf8.count <= 4_096, let sealed = try? Base64.decodeURL(cookie),
            let state = challengeBox.open(sealed).flatMap(ChallengeState.init(parsing:)),
            state.isCurrent(at: now, tolerance: configuration.session.clockTolerance.inSeconds),
            protocolPolicy.enabled.contains(state.version)
        else { return nil }
        return state
    }
}
