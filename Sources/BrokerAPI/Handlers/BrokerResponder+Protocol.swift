import Broker
import Encodings
import KBSProtocol

/// The routes of the KBS protocol.
extension BrokerResponder {
    func challenge(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let (challenge, cookie) = try await broker.challenge(exchange.body)
        var answer = Answer.json(bytes: challenge.serialized())
        answer.cookie = (cookie.value, cookie.expiresAt)
        return answer
    }

    func attest(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let attestation = try await broker.attest(
            body: exchange.body, cookie: SessionCookie.value(in: exchange.headers))
        var answer = Answer.json(bytes: AttestResponse(token: attestation.token).serialized())
        answer.cookie = (attestation.cookie.value, attestation.cookie.expiresAt)
        return answer
    }

    func readResource(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = ReleaseInput(
            plugin: "resource", path: try resourcePath(exchange), query: exchange.query,
            sessionCookie: SessionCookie.value(in: exchange.headers), bearer: Exchange.bearer(in: exchange.headers))
        return .json(bytes: try await broker.release(request))
    }

    func writeResource(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        guard exchange.body.count <= limits.resourceBytes else { throw .bodyTooLarge(limits.resourceBytes) }
        let path = try resourcePath(exchange)
        _ = try await broker.putResource(
            path, value: SecretBytes(exchange.body), contentType: exchange.headers[.contentType], by: exchange.author)
        return .empty
    }

    func deleteResource(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.deleteResource(try resourcePath(exchange), by: exchange.author)
        return .empty
    }

    func writeResourcePolicy(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let text = try policyText(in: exchange.body, variant: "ParsePolicyError")
        try await broker.setResourcePolicy(text, by: exchange.author)
        return .empty
    }

    func writeAttestationPolicy(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let variant = "AttestationError"
        let text = try policyText(in: exchange.body, variant: variant)
        guard let identifier = try object(exchange.body, variant)["policy_id"]?.stringValue else {
            throw BrokerError(
                kind: .malformed, variant: variant, code: "malformed_message",
                message: "Attestation error: Set Attestation Policy failed: `policy_id` is missing or no string")
        }
        try await broker.setAttestationPolicy(text, identifier: identifier, by: exchange.author)
        return .empty
    }

    func registerReferenceValues(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.registerReferenceValues(message: exchange.body, by: exchange.author)
        return Answer(contentType: "application/json")
    }

    func readReferenceValue(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        .json(try await broker.referenceValue(try name(exchange)))
    }

    func resourcePath(_ exchange: Exchange) throws(BrokerError) -> ResourcePath {
        do throws(KBSProtocolError) {
            return try ResourcePath(
                segments: [exchange.parameter("repository"), exchange.parameter("type"), exchange.parameter("tag")])
        } catch {
            throw .invalidPath
        }
    }

    /// The name of a reference value; it may hold slashes.
    func name(_ exchange: Exchange) throws(BrokerError) -> String {
        let name = try PercentEncoding.decode(exchange.parameter("name"))
        guard !name.isEmpty, name.utf8.count <= 1_024 else { throw .invalidPath }
        return name
    }

    func object(_ body: [UInt8], _ variant: String) throws(BrokerError) -> JSONObject {
        do throws(JSONError) {
            return try JSONObject(parsing: body)
        } catch {
            throw BrokerError(
                kind: .malformed, variant: variant, code: "malformed_message",
                message: "The body is not the JSON object that is expected: \(error)")
        }
    }

    /// The policy text of `{"policy": "<base64url>"}`.
    private func policyText(in body: [UInt8], variant: String) throws(BrokerError) -> String {
        func refuse(_ cause: String) -> BrokerError {
            BrokerError(
                kind: .malformed, variant: variant, code: "malformed_message",
                message: "Failed to parse policy: \(cause)")
        }
        let request: JSONObject
        do throws(JSONError) {
            request = try JSONObject(parsing: body)
        } catch {
            throw refuse("Illegal SetPolicy Request Json")
        }
        guard let member = request["policy"] else { throw refuse("No `policy` field inside SetPolicy Request Json") }
        guard let encoded = member.stringValue else {
            throw refuse("`policy` field is not a string in SetPolicy Request Json")
        }
        guard let bytes = try? Base64.decodeURL(encoded), let text = String(validating: bytes, as: UTF8.self) else {
            throw refuse("Failed to decode policy: it must be UTF-8 text in base64url without padding")
        }
        return text
    }
}
