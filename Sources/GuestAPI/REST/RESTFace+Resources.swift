import Encodings
import Guest
import KBSProtocol

/// The routes that hand out resources.
extension RESTFace {
    /// As in the reference: any method, and 500 with a text for every failure.
    func resource(_ path: String) async -> RESTAnswer {
        guard features.hasResources else { return .text(404, "Resource Feature Not Enabled") }
        do throws(GuestError) {
            return .bytes(try await fetch(path).copyBytes())
        } catch {
            return .text(500, "[CDH] [ERROR]: Get Resource failed: \(error)")
        }
    }

    /// With the status that the failure deserves, and a JSON object that programs can act on.
    func honestResource(_ request: RESTRequest, _ path: String) async -> RESTAnswer {
        guard features.hasResources else { return .text(404, "Resource Feature Not Enabled") }
        guard request.method == "GET" else {
            return .json(405, ["error": "Only GET is offered here.", "reason": "method_not_allowed"])
        }
        do throws(GuestError) {
            return .bytes(try await fetch(path).copyBytes())
        } catch {
            return Self.refusal(error)
        }
    }

    private func fetch(_ path: String) async throws(GuestError) -> SecretBytes {
        let uri: ResourceURI
        do throws(KBSProtocolError) {
            uri = try ResourceURI(path: ResourcePath(path).description)
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
        return try await resources.resource(uri)
    }

    /// `{"error","reason","decision","code"}`, the latter two only when the broker gave them.
    static func refusal(_ error: GuestError) -> RESTAnswer {
        var object: JSONObject = ["error": .string(error.description), "reason": .string(error.code.rawValue)]
        if let decision = error.decisionID { object["decision"] = .string(decision) }
        if let code = error.brokerCode { object["code"] = .string(code) }
        let status = status(of: error.code)
        return .json(status, object, retryAfter: status == 503 ? error.retryAfter ?? 1 : nil)
    }

    private static func status(of code: GuestError.Code) -> Int {
        switch code {
        case .invalidRequest: 400
        case .denied, .unauthorized, .attestationFailed: 403
        case .notFound: 404
        case .unavailable, .untrusted, .noTEE, .evidence: 503
        case .unexpected, .undecryptable: 502
        case .projection, .disabled, .volume, .volumeRefused: 500
        case .unsupported: 501
        }
    }
}
