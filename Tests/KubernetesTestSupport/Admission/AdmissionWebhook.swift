import Encodings

/// One webhook of a Validating- or MutatingWebhookConfiguration.
struct AdmissionWebhook: Sendable {
    let name: String
    /// Nil where it names a Service of which nobody said where it is.
    let url: String?
    let authority: String?
    let failsOpen: Bool
    let seconds: Int64
    let isReinvoked: Bool
    private let service: String
    private let conditions: [JSONValue]
    private let scope: AdmissionScope

    init(_ json: JSONValue, services: [String: String] = [:]) {
        name = json["name"]?.stringValue ?? ""
        let client = json["clientConfig"]
        service = client?["service"]?["name"]?.stringValue ?? ""
        let place = services["\(client?["service"]?["namespace"]?.stringValue ?? "")/\(service)"]
        url = client?["url"]?.stringValue ?? place.map { $0 + (client?["service"]?["path"]?.stringValue ?? "") }
        authority = client?["caBundle"]?.stringValue.flatMap { try? Base64.decode($0) }
            .map { String(decoding: $0, as: UTF8.self) }
        failsOpen = json["failurePolicy"]?.stringValue == "Ignore"
        seconds = json["timeoutSeconds"]?.intValue ?? 10
        isReinvoked = json["reinvocationPolicy"]?.stringValue == "IfNeeded"
        conditions = json["matchConditions"]?.arrayValue ?? []
        scope = AdmissionScope(json)
    }

    /// All webhooks of the configurations of a kind, in the order in which they are asked.
    static func all(_ kind: ResourceKind, _ state: ClusterState) -> [AdmissionWebhook] {
        state.objects(kind).sorted { $0.name < $1.name }.flatMap { $0["webhooks"]?.arrayValue ?? [] }
            .map { AdmissionWebhook($0, services: state.settings.services) }
    }

    /// Whether it is asked about a write.
    ///
    /// - Throws: ``APIStatus`` when its conditions cannot be evaluated and it does not let pass what it cannot judge.
    func wants(_ request: AdmissionRequest, _ state: ClusterState) throws -> Bool {
        guard scope.includes(request, state) else { return false }
        do {
            guard try AdmissionExpressions(request, state).allHold(conditions) else { return false }
        } catch {
            guard !failsOpen else { return false }
            throw APIStatus.forbidden(request, "\(error)")
        }
        return true
    }

    func call(about request: AdmissionRequest) throws -> WebhookCall {
        guard let url else { throw failure("service \"\(service)\" not found") }
        return WebhookCall(
            webhook: name, url: url, authority: authority, seconds: seconds, request: request.json)
    }

    func failure(_ why: String) -> APIStatus {
        APIStatus(500, "InternalError", "Internal error occurred: failed calling webhook \"\(name)\": \(why)")
    }
}

extension APIStatus {
    static func forbidden(_ request: AdmissionRequest, _ why: String) -> APIStatus {
        let name = request.name
        var status = APIStatus(403, "Forbidden", "\(request.kind.qualifiedPlural) \"\(name)\" is forbidden: \(why)")
        status.details = [
            "name": .string(name), "group": .string(request.kind.group), "kind": .string(request.kind.plural),
        ]
        return status
    }
}
