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
/// In the order of Kubernetes: mutating webhooks, those again that want it when a later one changed something, the schema
/// (which is not here), validating policies, validating webhooks. MutatingAdmissionPolicy is not served: its expressions
/// construct objects (`JSONPatch{…}`, `Object{…}`), which the CEL of this repository has no types for.
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

    /// The object as mutating webhooks want it.
    mutating func mutate(_ given: AdmissionRequest, _ state: ClusterState) throws -> JSONObject? {
        var request = given
        let webhooks = AdmissionWebhook.all(BuiltInKinds.mutatingWebhooks, state)
        var asked: Set<Int> = []
        var again: Set<Int> = []
        for isSecondRound in [false, true] {
            for (position, webhook) in webhooks.enumerated() where !isSecondRound || again.contains(position) {
                guard try webhook.wants(request, state) else { continue }
                let patch = try ask(webhook, request)
                if !patch.isEmpty, let object = request.object {
                    let changed = try Self.patched(object, patch, by: webhook, request)
                    if changed != object {
                        request.object = changed
                        again.formUnion(asked)
                        asked = []
                    }
                }
                if webhook.isReinvoked { asked.insert(position) }
            }
        }
        return request.object
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
        warnings += try ValidatingPolicies(state).validate(request)
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
