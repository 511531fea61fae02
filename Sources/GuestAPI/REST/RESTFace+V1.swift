import Encodings
import Guest

/// The routes below `/v1`: failures have the status that they deserve, and a JSON object that programs can act on.
extension RESTFace {
    /// Nil when the path is none of these.
    func honest(_ request: RESTRequest, _ path: String) async -> RESTAnswer? {
        // The singular is the older name.
        for prefix in ["/v1/resources/", "/v1/resource/"] where path.hasPrefix(prefix) {
            return await honestly(request, "GET", features.hasResources, "Resource") { () async throws(GuestError) in
                .bytes(try await fetch(String(path.dropFirst(prefix.count))).copyBytes())
            }
        }
        switch path {
        case "/v1/token":
            return await honestly(request, "GET", features.hasAttestation, "Attestation") {
                () async throws(GuestError) in
                try await honestToken(request)
            }
        case "/v1/evidence":
            return await honestly(request, "GET", features.hasAttestation, "Attestation") {
                () async throws(GuestError) in
                try await honestEvidence(request)
            }
        case "/v1/unseal":
            guard let unsealer else { return nil }
            return await honestly(request, "POST", features.hasResources, "Resource") { () async throws(GuestError) in
                guard let sealed = String(validating: request.body, as: UTF8.self) else {
                    throw GuestError(.invalidRequest, "The body is no sealed secret: it is not UTF-8.")
                }
                return .bytes(try await unsealer.unseal(sealed).copyBytes())
            }
        default:
            return nil
        }
    }

    private func honestly(
        _ request: RESTRequest, _ method: String, _ isOffered: Bool, _ feature: String,
        _ answer: () async throws(GuestError) -> RESTAnswer
    ) async -> RESTAnswer {
        guard isOffered else { return .text(404, "\(feature) Feature Not Enabled") }
        guard request.method == method else {
            return .json(405, ["error": .string("Only \(method) is offered here."), "reason": "method_not_allowed"])
        }
        do throws(GuestError) {
            return try await answer()
        } catch {
            return Self.refusal(error)
        }
    }

    /// `{"token","expires"}`, and with `keypair=true` the private key that resources are sealed to.
    private func honestToken(_ request: RESTRequest) async throws(GuestError) -> RESTAnswer {
        let token = try await client.token()
        let text = token.token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        var object: JSONObject = ["token": .string(text)]
        if let expires = token.expires { object["expires"] = .int(Int64(expires.timeIntervalSince1970)) }
        if request.parameter("keypair") == "true" {
            let exported = try token.exported().withUnsafeBytes { try? JSONObject(parsing: Array($0)) }
            object["tee_keypair"] = exported?["tee_keypair"] ?? .null
        }
        return .json(200, object)
    }

    /// `{"tee","evidence","additional_evidence"}`, the latter only with devices.
    private func honestEvidence(_ request: RESTRequest) async throws(GuestError) -> RESTAnswer {
        guard let data = runtimeData(request), data.count <= 64 else {
            throw GuestError(
                .invalidRequest, "runtime_data is up to 64 bytes of text, or base64url of them with encoding=base64.")
        }
        var object: JSONObject = [
            "tee": .string(attester.tee.rawValue), "evidence": try await attester.evidence(reportData: data),
        ]
        if !attester.additionalTEEs.isEmpty {
            object["additional_evidence"] = .string(try await attester.additionalEvidence(reportData: data))
        }
        return .json(200, object)
    }

    /// `{"error","reason","retry_after","decision","code"}`, the last three only where there is something to say.
    static func refusal(_ error: GuestError) -> RESTAnswer {
        let (status, reason) = classification(of: error)
        var object: JSONObject = ["error": .string(error.description), "reason": .string(reason)]
        let wait = [503, 504].contains(status) ? error.retryAfter ?? 1 : nil
        if let wait { object["retry_after"] = .int(Int64(wait)) }
        if let decision = error.decisionID { object["decision"] = .string(decision) }
        if let code = error.brokerCode { object["code"] = .string(code) }
        return .json(status, object, retryAfter: wait)
    }

    /// The answer to a caller who may not ask for a path.
    static func forbidden(_ path: String) -> RESTAnswer {
        guard path.hasPrefix("/v1/") else { return .text(403, "Forbidden") }
        return .json(403, ["error": "This agent does not let this user ask for that.", "reason": "denied"])
    }

    private static func classification(of error: GuestError) -> (status: Int, reason: String) {
        switch error.code {
        case .invalidRequest, .invalidSealedSecret: (400, "invalid_request")
        case .denied, .unauthorized, .untrustedSignature: (403, "denied")
        case .attestationFailed: (403, "attestation_failed")
        case .notFound: (404, "not_found")
        case .noTEE, .system, .evidence, .initData: (503, "attestation_failed")
        case .unavailable: (error.isTimeout ? 504 : 503, "unavailable")
        case .untrusted: (503, "unavailable")
        case .unexpected, .undecryptable: (502, "unavailable")
        case .projection, .disabled, .volume, .volumeRefused: (500, "unavailable")
        case .unsupported, .unsupportedProvider: (501, "unavailable")
        }
    }
}
