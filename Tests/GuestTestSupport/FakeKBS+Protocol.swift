import Encodings
import Foundation
import HTTPTypes
import Hummingbird
import JOSE
import KBSProtocol
import RATS

extension FakeKBS {
    func respond(_ request: Request) async throws -> Response {
        var request = request
        let body = Array(try await request.collectBody(upTo: 1_000_000).readableBytesView)
        let answer = try answer(
            Recorded(
                method: request.method.rawValue, target: request.head.path ?? "",
                headers: Dictionary(
                    request.headers.map { ($0.name.canonicalName, $0.value) }, uniquingKeysWith: { $0 + "," + $1 }),
                body: body))
        let route = String((request.head.path ?? "").dropFirst("/kbs/v0/".count))
        if state.withLock({ $0.silent.contains(route) }) { try await Task.sleep(for: .seconds(600)) }
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    private func answer(_ request: Recorded) throws -> Answer {
        let route = String(request.target.dropFirst("/kbs/v0/".count))
        let scripted: Answer? = state.withLock { state in
            state.recorded.append(request)
            guard let answers = state.scripts[route], let next = answers.first else { return nil }
            if answers.count > 1 { state.scripts[route] = Array(answers.dropFirst()) }
            return next
        }
        if let scripted { return scripted }
        switch (request.method, route) {
        case ("POST", "auth"): return auth()
        case ("POST", "attest"): return try attest(request)
        case ("POST", _) where route.hasPrefix("resource/"): return register(request, route)
        case ("GET", _) where route.hasPrefix("resource/"): return try release(request, route)
        default: return .error(404, .invalidRequestPath, "no such route")
        }
    }

    private func auth() -> Answer {
        let nonce = Challenge.fresh().nonce
        let session = UUID().uuidString
        let challenge = state.withLock { state in
            state.nonces[session] = nonce
            return Challenge(nonce: nonce, extraParameters: state.challenge.extraParameters)
        }
        return Answer(
            200, challenge.serialized(),
            headers: ["Set-Cookie": "kbs-session-id=\(session); Path=/kbs; HttpOnly; SameSite=Strict"])
    }

    private func attest(_ request: Recorded) throws -> Answer {
        let cookie = request.headers["cookie"] ?? ""
        let session = cookie.split(separator: "=").last.map(String.init) ?? ""
        guard cookie.hasPrefix("kbs-session-id="),
            let nonce = state.withLock({ $0.nonces.removeValue(forKey: session) })
        else { return .error(401, .attestationError, "cookie missing (code: session_missing)") }
        let body = try JSONValue(parsing: request.body)
        guard let key = body[pointer: "/runtime-data/tee-pubkey"]?.objectValue,
            body[pointer: "/runtime-data/nonce"]?.stringValue == nonce,
            try isBound(body, nonce: nonce, key: key)
        else { return .error(401, .attestationError, "the evidence is not bound (code: binding)") }
        let recipient = try JWERecipient(jwk: key)
        let now = Int64(clock.now().timeIntervalSince1970)
        return state.withLock { state in
            state.issued += 1
            let life = state.tokenLives.first ?? 0
            if state.tokenLives.count > 1 { state.tokenLives.removeFirst() }
            let claims: JSONObject = [
                "iat": .int(now), "exp": .int(now + life), "jti": .int(Int64(state.issued)),
                "iss": .string(name),
            ]
            let token =
                [["alg": "ES256"] as JSONObject, claims].map { Base64.encodeURL($0.serialized()) }
                .joined(separator: ".") + ".c2lnbmF0dXJl"
            state.keys[token] = recipient
            return Answer(200, AttestResponse(token: token).serialized())
        }
    }

    private func isBound(_ body: JSONValue, nonce: String, key: JSONObject) throws -> Bool {
        guard let additional = body[pointer: "/tee-evidence/additional_evidence"]?.stringValue,
            let reported = body[pointer: "/tee-evidence/primary_evidence/report_data"]?.stringValue
        else { return false }
        let challenge = state.withLock { $0.challenge }
        let expected = try ReportData.digest(
            nonce: nonce, teeKey: key, additionalEvidence: additional, hash: challenge.hashAlgorithm())
        return try Base64.decode(reported) == expected
    }

    private func release(_ request: Recorded, _ route: String) throws -> Answer {
        let token = (request.headers["authorization"] ?? "").replacing("Bearer ", with: "")
        let (recipient, bytes) = state.withLock { ($0.keys[token], $0.resources[String(route.dropFirst(9))]) }
        guard let recipient else { return .error(401, .tokenVerifierError, "Token Verifier error (code: unknown)") }
        guard let bytes else { return .error(404, .pluginInternalError, "no such resource") }
        return Answer(200, try recipient.encrypt(SecretBytes(bytes)))
    }

    private func register(_ request: Recorded, _ route: String) -> Answer {
        guard request.headers["authorization"] == "Bearer admin-token" else {
            return .error(401, .adminAuthAccess, "not an admin")
        }
        put(String(route.dropFirst(9)), request.body)
        return Answer(200)
    }
}
