import Encodings
import FoundationEssentials
import HTTPTransport
import JOSE
import KBSProtocol
import RATS

/// One attestation: request, challenge, attestation, response (KBS protocol 0.4.0).
struct Handshake: Sendable {
    let connection: BrokerConnection
    let attester: any Attester
    let keyKind: JWEPrivateKey.Kind
    let initData: String?
    let clock: WallClock

    func run() async throws(GuestError) -> AttestedToken {
        let (challenge, cookie) = try await challenge()
        let key = try freshKey()
        let body = try await attestation(challenge, key: key)
        let response = try await connection.post("attest", body: body.serialized(), cookie: cookie)
        guard response.status == 200 else { throw BrokerRefusal(response).attestationError(in: "attest") }
        let token = try understood("answer to attest") { () throws(KBSProtocolError) in
            try AttestResponse(parsing: response.body).token
        }
        return try AttestedToken(token: token, key: key, now: clock.now())
    }

    private func challenge() async throws(GuestError) -> (Challenge, cookie: String?) {
        let response = try await connection.post("auth", body: AuthRequest(tee: attester.tee).serialized())
        guard response.status == 200 else { throw BrokerRefusal(response).attestationError(in: "auth") }
        let challenge = try understood("challenge") { () throws(KBSProtocolError) in
            try Challenge(parsing: response.body)
        }
        return (challenge, response.returnedCookies)
    }

    /// Binds nonce and key into device evidence first, and that evidence, verbatim, into the guest's own.
    func attestation(_ challenge: Challenge, key: JWEPrivateKey) async throws(GuestError) -> AttestationBody {
        let publicKey = key.publicJWK
        let deviceDigest = try digest(challenge, publicKey, additionalEvidence: nil)
        let additional = try await attester.additionalEvidence(reportData: deviceDigest)
        let digest = try digest(challenge, publicKey, additionalEvidence: additional)
        let evidence = try await attester.evidence(
            reportData: attester.boundData(digest: digest, nonce: challenge.nonce))
        return AttestationBody(
            nonce: challenge.nonce, teeKey: publicKey, primaryEvidence: evidence, additionalEvidence: additional,
            initData: initData)
    }

    private func digest(
        _ challenge: Challenge, _ key: JSONObject, additionalEvidence: String?
    ) throws(GuestError) -> [UInt8] {
        try understood("challenge") { () throws(KBSProtocolError) in
            try ReportData.digest(
                nonce: challenge.nonce, teeKey: key, additionalEvidence: additionalEvidence,
                hash: challenge.hashAlgorithm())
        }
    }

    private func freshKey() throws(GuestError) -> JWEPrivateKey {
        do throws(JOSEError) {
            return try JWEPrivateKey.generate(keyKind)
        } catch {
            throw GuestError(.evidence, "No TEE key could be made: \(error.message)")
        }
    }

    private func understood<T>(
        _ subject: String, _ read: () throws(KBSProtocolError) -> T
    ) throws(GuestError) -> T {
        do throws(KBSProtocolError) {
            return try read()
        } catch {
            throw GuestError(.unexpected, "The broker's \(subject) is not understood: \(error.message)")
        }
    }
}
