import Encodings
import Foundation

/// A write that cannot go on before a webhook has answered.
struct WebhookNeeded: Error {
    let call: WebhookCall
}

/// Admission in the course of one write: policies and webhooks see it, may change it, and may refuse it.
///
/// The cluster's lock is not held while a webhook thinks. A write that needs an answer is given up with ``WebhookNeeded``,
/// the webhook is asked, and the write begins anew with the answer at hand: until all are, nothing is stored. What changed
/// meanwhile makes other questions, as it does where a patch is tried again.
///
/// In the order of Kubernetes: mutating policies, mutating webhooks, those of both again that want it when a later one
/// changed something, the schema (which is not here), validating policies, validating webhooks. Of mutating policies only
/// JSON patches are served: apply configurations construct typed objects (`Object{…}`), which the CEL of this repository
/// does not have. Expressions have no `authorizer`, and webhooks are called by URL, not through a Service.
struct Admission: Sendable {
    /// What a new object is called and when it was made; the same however often the write begins.
    let uid = UUID().uuidString.lowercased()
    let now: Date
    let user: ClusterUser
    let isDryRun: Bool
    private var answers: [WebhookCall: WebhookAnswer] = [:]
    private(set) var warnings: [String] = []

    init(user: ClusterUser, isDryRun: Bool, now: Date) {
        self.user = user
        self.isDryRun = isDryRun
        self.now = now
    }

    /// Keeps an answer for the next attempt, which warns anew.
    mutating func learn(_ answer: WebhookAnswer, to call: WebhookCall) {
        answers[call] = answer
        warnings = []
    }

    private enum Mutator {
        case policy(BoundPolicy)
        case webhook(AdmissionWebhook)

        var isReinvoked: Bool {
            switch self {
            case .policy(let bound): bound.policy["spec"]?["reinvocationPolicy"]?.stringValue == "IfNeeded"
            case .webhook(let webhook): webhook.isReinvoked
            }
        }
    }

    /// The object as mutating policies and webhooks want it.
    mutating func mutate(_ given: AdmissionRequest, _ state: ClusterState) throws -> JSONObject? {
        var request = given
        let mutators =
            MutatingPolicies(state: state).all.map(Mutator.policy)
            + AdmissionWebhook.all(BuiltInKinds.mutatingWebhooks, state).map(Mutator.webhook)
        var asked: Set<Int> = []
        var again: Set<Int> = []
        for isSecondRound in [false, true] {
            for (position, mutator) in mutators.enumerated() where !isSecondRound || again.contains(position) {
                let changed = try mutated(request, by: mutator, state)
                if changed != request.object {
                    request.object = changed
                    again.formUnion(asked)
                    asked = []
                }
                if mutator.isReinvoked { asked.insert(position) }
            }
        }
        return request.object
    }

    private mutating func mutated(
        _ request: AdmissionRequest, by mutator: Mutator, _ state: ClusterState
    ) throws -> JSONObject? {
        switch mutator {
        case .policy(let bound): return try MutatingPolicies(state: state).mutated(request, by: bound)
        case .webhook(let webhook):
            guard try webhook.wants(request, state) else { return request.object }
            let patch = try ask(webhook, request)
            guard !patch.isEmpty, let object = request.object else { return request.object }
            return try Self.patched(object, patch, by: webhook, request)
        }
    }

    private static func patched(
        _ object: JSONObject, _ patch: [JSONValue], by webhook: AdmissionWebhook, _ request: AdmissionRequest
    ) throws -> JSONObject {
        guard let changed = try? Patches.patched(.object(object), patch).objectValue else {
            throw webhook.failure("its patch cannot be applied")
        }
        let isSame = ["apiVersion", "kind"].allSatisfy { changed[$0] == object[$0] }
        guard isSame, changed.namespace == object.namespace, request.name.isEmpty || changed.name == object.name else {
            throw webhook.failure("its patch makes another object of this one")
        }
        return changed
    }

    /// Lets policies and validating webhooks refuse.
    mutating func validate(_ request: AdmissionRequest, _ state: ClusterState) throws {
        warnings += try ValidatingPolicies(state: state).validate(request)
        for webhook in AdmissionWebhook.all(BuiltInKinds.validatingWebhooks, state)
        where try webhook.wants(request, state) {
            _ = try ask(webhook, request)
        }
    }

    private mutating func ask(_ webhook: AdmissionWebhook, _ request: AdmissionRequest) throws -> [JSONValue] {
        do {
            let call = try webhook.call(about: request)
            guard let answer = answers[call] else { throw WebhookNeeded(call: call) }
            switch answer {
            case .allowed(let patch, let said):
                warnings += said
                return patch
            case .denied(var status, let said):
                warnings += said
                let subject = "admission webhook \"\(webhook.name)\" denied the request"
                let why = status.message.isEmpty ? status.reason : status.message
                status.message = why.isEmpty ? "\(subject) without explanation" : "\(subject): \(why)"
                throw Denied(status: status)
            case .failed(let why): throw webhook.failure("failed to call webhook: \(why)")
            }
        } catch let status as APIStatus {
            guard webhook.failsOpen else { throw status }
            return []
        } catch let denial as Denied {
            throw denial.status
        }
    }

    /// A webhook's own refusal, which no failure policy lets pass.
    private struct Denied: Error {
        let status: APIStatus
    }
}
