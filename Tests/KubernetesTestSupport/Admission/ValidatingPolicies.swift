import CEL
import Encodings

/// The ValidatingAdmissionPolicies of a cluster, through their bindings.
struct ValidatingPolicies {
    let state: ClusterState

    private struct Refusal {
        var message: String
        var reason = "Invalid"
    }

    /// Throws the first refusal; gives the warnings.
    func validate(_ request: AdmissionRequest) throws -> [String] {
        var warnings: [String] = []
        for bound in BoundPolicy.all(BuiltInKinds.validatingPolicies, BuiltInKinds.validatingBindings, state) {
            let actions = (bound.binding["spec"]?["validationActions"]?.arrayValue ?? []).compactMap(\.stringValue)
            let names = "ValidatingAdmissionPolicy '\(bound.policy.name)' with binding '\(bound.binding.name)'"
            for refusal in refusals(bound, request) {
                if actions.contains("Deny") {
                    throw Self.status(refusal, "\(names) denied request: \(refusal.message)", request)
                }
                if actions.contains("Warn") { warnings.append("Validation failed for \(names): \(refusal.message)") }
            }
        }
        return warnings
    }

    private static func status(_ refusal: Refusal, _ message: String, _ request: AdmissionRequest) -> APIStatus {
        let codes = ["Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413]
        var status = APIStatus.forbidden(request, message)
        status.code = codes[refusal.reason] ?? 422
        status.reason = refusal.reason
        status.causes = [.init(reason: "", message: message)]
        return status
    }

    private func refusals(_ bound: BoundPolicy, _ request: AdmissionRequest) -> [Refusal] {
        do throws(BoundPolicy.Failure) {
            let validations = bound.policy["spec"]?["validations"]?.arrayValue ?? []
            return try bound.expressions(request, state).flatMap { expressions in
                validations.compactMap { Self.refusal($0, expressions, failsOpen: bound.failsOpen) }
            }
        } catch {
            return bound.failsOpen ? [] : [Refusal(message: error.message)]
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
}
