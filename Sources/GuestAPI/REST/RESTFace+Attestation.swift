import Encodings
import Guest

/// The routes below `/aa`.
extension RESTFace {
    func attestation(_ request: RESTRequest, _ name: String) async -> RESTAnswer {
        guard features.hasAttestation else { return .text(404, "Attestation Feature Not Enabled") }
        let isEvent = name == "aael"
        guard isEvent || ["token", "evidence", "additional-evidence"].contains(name) else {
            return .text(404, "URL NOT FOUND")
        }
        guard request.method == (isEvent ? "POST" : "GET") else { return .text(405, "Method Not Allowed") }
        do throws(GuestError) {
            switch name {
            case "token": return try await token(request)
            case "aael": return try await event(request)
            default: return try await evidence(request, ofDevices: name == "additional-evidence")
            }
        } catch {
            let action = isEvent ? "AA extend runtime measurement" : "AA-KBC get \(name)"
            return .text(500, "[ERROR:attestation-agent] \(action) failed: \(error)")
        }
    }

    private func token(_ request: RESTRequest) async throws(GuestError) -> RESTAnswer {
        guard let type = request.parameter("token_type") else { return .text(400, "BAD REQUEST") }
        guard type == "kbs" else {
            throw GuestError(.invalidRequest, "Tokens of this type are not offered; token_type=kbs is.")
        }
        return .bytes(try await client.token().exported().copyBytes())
    }

    private func evidence(_ request: RESTRequest, ofDevices: Bool) async throws(GuestError) -> RESTAnswer {
        guard let data = runtimeData(request) else { return .text(400, "BAD REQUEST") }
        if ofDevices { return .bytes(Array(try await attester.additionalEvidence(reportData: data).utf8)) }
        return .bytes(try await attester.evidence(reportData: data).serialized())
    }

    /// The bytes to attest: the parameter's text, or with `encoding=base64` what its base64url form says.
    func runtimeData(_ request: RESTRequest) -> [UInt8]? {
        guard let text = request.parameter("runtime_data") else { return nil }
        switch request.parameter("encoding") {
        case nil: return Array(text.utf8)
        case "base64": return try? Base64.decodeURL(text)
        default: return nil
        }
    }

    /// The bodies are the reference's, in which also truth is a text.
    private func event(_ request: RESTRequest) async throws(GuestError) -> RESTAnswer {
        guard let object = try? JSONObject(parsing: request.body), let domain = object["domain"]?.stringValue,
            let operation = object["operation"]?.stringValue, let content = object["content"]?.stringValue
        else { return .text(500, "The event cannot be read: domain, operation and content are needed.") }
        switch try await measurements.report(domain: domain, operation: operation, content: content) {
        case .recorded:
            return .json(200, ["success": "true"])
        case .notSupported:
            return .json(
                200, ["success": "false", "message": "The platform does not support runtime measurement"])
        case .notEnabled:
            return .json(
                200, ["success": "false", "message": "Attestation Agent does not enable eventlog recording"])
        }
    }
}
