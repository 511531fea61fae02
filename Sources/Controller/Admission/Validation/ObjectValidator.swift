import Encodings
import FoundationEssentials
import Kubernetes
import Policy
import PolicyTesting

/// Judges objects of `claviger.dev` before they are stored, by the readers that the broker and the command line use.
struct ObjectValidator: Sendable {
    static let group = "claviger.dev"
    static let mostNamed = 8
    /// Findings about documents that are elsewhere: here one is looked at alone.
    private static let findingsAboutOthers: Set<String> = ["undefined_reference_value", "unused_reference_value"]

    let settings: InjectionSettings
    let now: @Sendable () -> Date

    func judge(_ request: AdmissionRequest) -> AdmissionAnswer {
        guard request.operation == .create || request.operation == .update, request.subresource.isEmpty else {
            return .allowed
        }
        guard request.group == Self.group else {
            return .refused(
                403, "Forbidden",
                "This webhook judges objects of \(Self.group) only: correct the rules of its configuration.")
        }
        guard let object = request.object.map(KubernetesObject.init(json:)) else {
            return .refused(400, "BadRequest", "The request brings no object.")
        }
        var answer = judge(object, request)
        // What is stored already can always be let go of, and changed in what is no part of its meaning: its finalizers
        // must come off, whatever a newer version of this program thinks of it.
        if let refusal = answer.refusal, isUnchanged(object, request) {
            answer = AdmissionAnswer(warnings: [refusal.message.replacing("\n", with: " ")] + answer.warnings)
        }
        return answer
    }

    private func isUnchanged(_ object: KubernetesObject, _ request: AdmissionRequest) -> Bool {
        guard request.operation == .update, let old = request.oldObject else { return false }
        return old["spec"] == object.json["spec"] && old["kind"] == object.json["kind"]
    }

    private func judge(_ object: KubernetesObject, _ request: AdmissionRequest) -> AdmissionAnswer {
        let documents: [ResourceDocument]
        do throws(PolicyError) {
            documents = try ResourceParser.parse(Self.document(object, request), source: "\(object)")
        } catch {
            return Self.refusal(error.diagnostics, of: request)
        }
        guard let document = documents.first, documents.count == 1, document.kind.rawValue == request.kind else {
            return .refused(422, "Invalid", "The object is no \(request.kind).")
        }
        switch document.spec {
        case .policy(let policy): return AdmissionAnswer(warnings: lint(policy))
        case .agentProfile(let profile): return judge(profile, request)
        case .brokeredSecret(let secret): return AdmissionAnswer(warnings: Self.warnings(secret))
        case .policyBundle: return .allowed
        }
    }

    /// The object as a document. One whose name the API server is still to make gets a name of that kind.
    private static func document(_ object: KubernetesObject, _ request: AdmissionRequest) -> String {
        var object = object
        var metadata = object.metadata
        if object.name.isEmpty {
            let prefix = metadata["generateName"]?.stringValue ?? ""
            metadata["name"] = .string(request.name.isEmpty ? prefix + "00000" : request.name)
        }
        metadata["namespace"] = request.namespace.map { .string($0) }
        object.metadata = metadata
        return object.plainDocument
    }

    private static func refusal(_ diagnostics: [PolicyDiagnostic], of request: AdmissionRequest) -> AdmissionAnswer {
        let causes = diagnostics.map { diagnostic in
            AdmissionAnswer.Refusal.Cause(field: diagnostic.path, message: sentence(diagnostic))
        }
        var lines = causes.prefix(mostNamed).map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
        if causes.count > mostNamed { lines.append("and \(causes.count - mostNamed) more") }
        return .refused(
            422, "Invalid", "This \(request.kind) cannot be used.\n" + lines.joined(separator: "\n"), causes: causes)
    }

    private static func sentence(_ diagnostic: PolicyDiagnostic) -> String {
        diagnostic.message + (diagnostic.hint.map { " (\($0))" } ?? "")
    }

    private func lint(_ policy: PolicyDocument) -> [String] {
        PolicyLint([policy], now: now()).findings()
            .filter { $0.severity == .warning && !Self.findingsAboutOthers.contains($0.code) }
            .map { "\($0.path): \(Self.sentence($0)) [\($0.code)]" }
    }

    private func judge(_ profile: AgentProfileSpec, _ request: AdmissionRequest) -> AdmissionAnswer {
        let check = ProfileCheck(profile, settings: settings)
        guard let first = check.problems.first else { return AdmissionAnswer(warnings: check.warnings) }
        let causes = check.problems.map { AdmissionAnswer.Refusal.Cause(field: $0.field, message: $0.message) }
        return .refused(
            422, "Invalid", "No pod could use this AgentProfile: \(first.field): \(first.message)", causes: causes)
    }

    private static func warnings(_ secret: BrokeredSecretSpec) -> [String] {
        guard case .secretRef = secret.origin else { return [] }
        return [
            "spec.secretRef: the value stands in the clear in the cluster's Secret; with generate or sealed it never does."
        ]
    }
}
