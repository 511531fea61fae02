import CEL
import Encodings

/// The ValidatingAdmissionPolicies of a cluster, through their bindings.
struct ValidatingPolicies {
    private let state: ClusterState

    init(_ state: ClusterState) { self.state = state }

    /// Throws the first refusal; gives the warnings.
    func validate(_ request: AdmissionRequest) throws -> [String] {
        var warnings: [String] = []
        let bindings = state.objects(BuiltInKinds.policyBindings).sorted { $0.name < $1.name }
        for binding in bindings
        where AdmissionScope(binding["spec"]?["matchResources"], isOpen: true).includes(request, state) {
            let key = ObjectKey(namespace: "", name: binding["spec"]?["policyName"]?.stringValue ?? "")
            guard let policy = state.object(BuiltInKinds.validatingPolicies, key)?.json,
                AdmissionScope(policy["spec"]?["matchConstraints"]).includes(request, state)
            else { continue }
            let found = try refusals(policy, binding, request)
            let actions = (binding["spec"]?["validationActions"]?.arrayValue ?? []).compactMap(\.stringValue)
            for refusal in found {
                let subject = "ValidatingAdmissionPolicy '\(policy.name)' with binding '\(binding.name)' denied request"
                if actions.contains("Deny") { throw Self.status(refusal, subject, request) }
                let validation = "Validation failed for ValidatingAdmissionPolicy '\(policy.name)' with binding"
                if actions.contains("Warn") { warnings.append("\(validation) '\(binding.name)': \(refusal.message)") }
            }
        }
        return warnings
    }

    private struct Refusal {
        var message: String
        var reason = "Invalid"
    }

    private static func status(_ refusal: Refusal, _ subject: String, _ request: AdmissionRequest) -> APIStatus {
        let codes = ["Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413]
        let message = "\(subject): \(refusal.message)"
        var status = APIStatus.forbidden(request, message)
        status.code = codes[refusal.reason] ?? 422
        status.reason = refusal.reason
        status.causes = [.init(reason: "", message: message)]
        return status
    }

    private func refusals(_ policy: JSONObject, _ binding: JSONObject, _ request: AdmissionRequest) throws -> [Refusal]
    {
        let failsOpen = policy["spec"]?["failurePolicy"]?.stringValue == "Ignore"
        guard let params = params(policy, binding, request) else {
            let isAllowed = binding["spec"]?["paramRef"]?["parameterNotFoundAction"]?.stringValue == "Allow"
            return isAllowed || failsOpen ? [] : [Refusal(message: "failed to configure binding: no params found")]
        }
        return params.flatMap { params -> [Refusal] in
            var expressions = AdmissionExpressions(request, params: params, state)
            do throws(CELError) {
                guard try expressions.allHold(policy["spec"]?["matchConditions"]?.arrayValue ?? []) else { return [] }
            } catch {
                return failsOpen ? [] : [Refusal(message: error.description)]
            }
            expressions.define(policy["spec"]?["variables"]?.arrayValue ?? [])
            return (policy["spec"]?["validations"]?.arrayValue ?? []).compactMap {
                Self.refusal($0, expressions, failsOpen: failsOpen)
            }
        }
    }

    private static func refusal(
        _ validation: JSONValue, _ expressions: AdmissionExpressions, failsOpen: Bool
    ) -> Refusal? {
        let text = validation["expression"]?.stringValue ?? ""
        var refusal = Refusal(message: validation["message"]?.stringValue ?? "failed expression: \(text)")
        if let reason = validation["reason"]?.stringValue { refusal.reason = reason }
        do throws(CELError) {
            if case .bool(true) = try expressions.evaluate(text) { return nil }
        } catch {
            return failsOpen ? nil : Refusal(message: "expression '\(text)' resulted in error: \(error.description)")
        }
        if let text = validation["messageExpression"]?.stringValue,
            case .string(let said)? = try? expressions.evaluate(text)
        {
            refusal.message = said
        }
        return refusal
    }

    /// The objects that a policy is parameterized by: one absent one where it wants none; nil where it wants one and there
    /// is none.
    private func params(_ policy: JSONObject, _ binding: JSONObject, _ request: AdmissionRequest) -> [JSONObject?]? {
        guard let wanted = policy["spec"]?["paramKind"] else { return [nil] }
        let kinds = state.tables.values.map(\.kind)
        guard let reference = binding["spec"]?["paramRef"],
            let kind = kinds.first(where: {
                $0.kind == wanted["kind"]?.stringValue && $0.apiVersion == wanted["apiVersion"]?.stringValue
            })
        else { return nil }
        let namespace = kind.isNamespaced ? reference["namespace"]?.stringValue ?? request.namespace : ""
        if let name = reference["name"]?.stringValue {
            return state.object(kind, ObjectKey(namespace: namespace, name: name)).map { [$0.json] }
        }
        let selector = LabelRequirements(reference["selector"])
        let found = state.objects(kind).filter { $0.namespace == namespace && selector.match($0) }
        return found.isEmpty ? nil : found.sorted { $0.name < $1.name }
    }
}
