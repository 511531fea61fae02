import CEL
import Encodings

/// A validating or mutating policy through one of its bindings, which is what gives it force.
struct BoundPolicy: Sendable {
    /// Why a policy cannot be evaluated.
    struct Failure: Error {
        let message: String
    }

    let policy: JSONObject
    let binding: JSONObject

    /// Whether what cannot be evaluated lets pass.
    var failsOpen: Bool { policy["spec"]?["failurePolicy"]?.stringValue == "Ignore" }

    /// All of a kind, in the order in which they are looked at.
    static func all(_ policies: ResourceKind, _ bindings: ResourceKind, _ state: ClusterState) -> [BoundPolicy] {
        let found = state.objects(bindings).sorted { $0.name < $1.name }.compactMap { binding -> BoundPolicy? in
            let key = ObjectKey(namespace: "", name: binding["spec"]?["policyName"]?.stringValue ?? "")
            return state.object(policies, key).map { BoundPolicy(policy: $0.json, binding: binding) }
        }
        return found.sorted { $0.policy.name < $1.policy.name }
    }

    /// What its expressions see of a write, once for each of its parameters; nothing when it is not about such a write.
    func expressions(_ request: AdmissionRequest, _ state: ClusterState) throws(Failure) -> [AdmissionExpressions] {
        guard AdmissionScope(binding["spec"]?["matchResources"], isOpen: true).includes(request, state),
            AdmissionScope(policy["spec"]?["matchConstraints"]).includes(request, state)
        else { return [] }
        var found: [AdmissionExpressions] = []
        for params in try params(request, state) {
            var expressions = AdmissionExpressions(request, params: params, state)
            do throws(CELError) {
                guard try expressions.allHold(policy["spec"]?["matchConditions"]?.arrayValue ?? []) else { continue }
            } catch {
                throw Failure(message: error.description)
            }
            expressions.define(policy["spec"]?["variables"]?.arrayValue ?? [])
            found.append(expressions)
        }
        return found
    }

    /// The objects that it is parameterized by: one absent one where it wants none.
    private func params(_ request: AdmissionRequest, _ state: ClusterState) throws(Failure) -> [JSONObject?] {
        guard let wanted = policy["spec"]?["paramKind"] else { return [nil] }
        let reference = binding["spec"]?["paramRef"]
        let kind = state.tables.values.map(\.kind).first {
            $0.kind == wanted["kind"]?.stringValue && $0.apiVersion == wanted["apiVersion"]?.stringValue
        }
        var found: [JSONObject] = []
        if let kind, let reference {
            let namespace = kind.isNamespaced ? reference["namespace"]?.stringValue ?? request.namespace : ""
            if let name = reference["name"]?.stringValue {
                found = [state.object(kind, ObjectKey(namespace: namespace, name: name))?.json].compactMap { $0 }
            } else {
                let selector = LabelRequirements(reference["selector"])
                found = state.objects(kind).filter { $0.namespace == namespace && selector.match($0) }
            }
        }
        guard found.isEmpty else { return found.sorted { $0.name < $1.name } }
        guard reference?["parameterNotFoundAction"]?.stringValue == "Allow" else {
            throw Failure(message: "failed to configure binding: no params found")
        }
        return []
    }
}
