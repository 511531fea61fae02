import CEL
import Encodings

extension BuiltInKinds {
    static let admissionGroup = "admissionregistration.k8s.io"
    static let mutatingWebhooks = admission("mutatingwebhookconfigurations", "MutatingWebhookConfiguration")
    static let validatingWebhooks = admission("validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
    static let validatingPolicies = admission("validatingadmissionpolicies", "ValidatingAdmissionPolicy")
    static let validatingBindings = admission("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding")
    static let mutatingPolicies = admission("mutatingadmissionpolicies", "MutatingAdmissionPolicy")
    static let mutatingBindings = admission("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding")

    private static func admission(_ plural: String, _ kind: String) -> ResourceKind {
        ResourceKind(admissionGroup, "v1", plural, kind, isNamespaced: false)
    }
}

/// What may be registered for admission.
enum AdmissionKinds {
    /// Fills in what a registration leaves open.
    static func fillIn(_ object: inout JSONObject, _ kind: ResourceKind) {
        guard [BuiltInKinds.mutatingWebhooks.id, BuiltInKinds.validatingWebhooks.id].contains(kind.id) else { return }
        var defaults: JSONObject = [
            "failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": [:], "objectSelector": [:],
            "timeoutSeconds": 10,
        ]
        if kind.id == BuiltInKinds.mutatingWebhooks.id { defaults["reinvocationPolicy"] = "Never" }
        let webhooks = (object["webhooks"]?.arrayValue ?? []).map { given -> JSONValue in
            guard var webhook = given.objectValue else { return given }
            for (name, value) in defaults where webhook[name] == nil { webhook[name] = value }
            return .object(webhook)
        }
        if !webhooks.isEmpty { object["webhooks"] = .array(webhooks) }
    }

    /// What is wrong with a registration.
    static func causes(_ object: JSONObject, _ kind: ResourceKind) -> [APIStatus.Cause] {
        switch kind.id {
        case BuiltInKinds.mutatingWebhooks.id, BuiltInKinds.validatingWebhooks.id:
            return (object["webhooks"]?.arrayValue ?? []).enumerated().flatMap { position, webhook in
                causes(webhook, at: "webhooks[\(position)]")
            }
        case BuiltInKinds.validatingPolicies.id:
            guard let validations = object["spec"]?["validations"]?.arrayValue, !validations.isEmpty else {
                return [required("spec.validations")]
            }
            return expressions(validations, at: "spec.validations")
                + expressions(object["spec"]?["matchConditions"]?.arrayValue ?? [], at: "spec.matchConditions")
                + expressions(object["spec"]?["variables"]?.arrayValue ?? [], at: "spec.variables")
        case BuiltInKinds.mutatingPolicies.id: return mutations(object)
        case BuiltInKinds.mutatingBindings.id:
            return object["spec"]?["policyName"] == nil ? [required("spec.policyName")] : []
        case BuiltInKinds.validatingBindings.id:
            return ["policyName", "validationActions"].filter { object["spec"]?[$0] == nil }.map {
                required("spec.\($0)")
            }
        default: return []
        }
    }

    private static func mutations(_ policy: JSONObject) -> [APIStatus.Cause] {
        guard let mutations = policy["spec"]?["mutations"]?.arrayValue, !mutations.isEmpty else {
            return [required("spec.mutations")]
        }
        let changes = mutations.enumerated().flatMap { position, mutation -> [APIStatus.Cause] in
            let path = "spec.mutations[\(position)]"
            guard mutation["patchType"] == "JSONPatch", let text = mutation["jsonPatch"]?["expression"]?.stringValue
            else {
                return [invalid("\(path).patchType", "Invalid value: this server knows mutations by JSONPatch alone")]
            }
            return expressions([["expression": .string(JSONPatchLiterals.asMaps(text))]], at: "\(path).jsonPatch")
        }
        return changes + expressions(policy["spec"]?["matchConditions"]?.arrayValue ?? [], at: "spec.matchConditions")
            + expressions(policy["spec"]?["variables"]?.arrayValue ?? [], at: "spec.variables")
    }

    private static func causes(_ webhook: JSONValue, at path: String) -> [APIStatus.Cause] {
        var causes: [APIStatus.Cause] = []
        for name in ["name", "clientConfig", "sideEffects", "admissionReviewVersions"] where webhook[name] == nil {
            causes.append(required("\(path).\(name)"))
        }
        let client = webhook["clientConfig"]
        if (client?["url"] == nil) == (client?["service"] == nil) {
            causes.append(
                .init(
                    reason: "FieldValueRequired", message: "Required value: exactly one of url or service is required",
                    field: "\(path).clientConfig"))
        }
        if let url = client?["url"]?.stringValue, !url.hasPrefix("https://") {
            causes.append(
                invalid("\(path).clientConfig.url", "Invalid value: \"\(url)\": 'https' is the only allowed URL scheme")
            )
        }
        if let effects = webhook["sideEffects"]?.stringValue, !["None", "NoneOnDryRun"].contains(effects) {
            causes.append(
                .init(
                    reason: "FieldValueNotSupported",
                    message: "Unsupported value: \"\(effects)\": supported values: \"None\", \"NoneOnDryRun\"",
                    field: "\(path).sideEffects"))
        }
        if let seconds = webhook["timeoutSeconds"]?.intValue, !(1...30).contains(seconds) {
            causes.append(
                invalid(
                    "\(path).timeoutSeconds",
                    "Invalid value: \(seconds): the timeout value must be between 1 and 30 seconds"))
        }
        let versions = (webhook["admissionReviewVersions"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !versions.isEmpty, !versions.contains("v1") {
            causes.append(
                invalid("\(path).admissionReviewVersions", "Invalid value: must include at least one of v1, v1beta1"))
        }
        return causes + expressions(webhook["matchConditions"]?.arrayValue ?? [], at: "\(path).matchConditions")
    }

    private static func expressions(_ list: [JSONValue], at path: String) -> [APIStatus.Cause] {
        list.enumerated().flatMap { position, element in
            ["expression", "messageExpression"].compactMap { name in
                guard let text = element[name]?.stringValue else { return nil }
                do throws(CELError) {
                    _ = try AdmissionExpressions.program(text)
                    return nil
                } catch {
                    return invalid(
                        "\(path)[\(position)].\(name)",
                        "Invalid value: \"\(text)\": compilation failed: \(error.description)")
                }
            }
        }
    }

    private static func required(_ field: String) -> APIStatus.Cause {
        .init(reason: "FieldValueRequired", message: "Required value", field: field)
    }

    private static func invalid(_ field: String, _ message: String) -> APIStatus.Cause {
        .init(reason: "FieldValueInvalid", message: message, field: field)
    }
}
