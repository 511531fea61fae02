import Encodings
import Kubernetes

extension APIResource {
    static let validatingWebhooks = registration("validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
    static let mutatingWebhooks = registration("mutatingwebhookconfigurations", "MutatingWebhookConfiguration")

    private static func registration(_ plural: String, _ kind: String) -> APIResource {
        APIResource(
            group: "admissionregistration.k8s.io", version: "v1", plural: plural, kind: kind, isNamespaced: false)
    }
}

/// The configurations by which API servers call this service, as far as trust goes: their `caBundle`s.
struct WebhookConfigurations: Sendable {
    static let fieldManager = "claviger.dev/admission"

    let api: any KubernetesAPI
    let names: [(resource: APIResource, name: String)]

    init(api: any KubernetesAPI, validating: String?, mutating: String?) {
        self.api = api
        names =
            [(APIResource.validatingWebhooks, validating), (APIResource.mutatingWebhooks, mutating)]
            .compactMap { resource, name in name.map { (resource: resource, name: $0) } }
    }

    /// Has every webhook of every configuration trust the bundle. Nothing is written where that is so already.
    ///
    /// - Throws: `unavailable`, `refused`, and `source_missing` when there is no such configuration.
    func publish(_ bundle: String, under leadership: Leadership) async throws(ControllerError) {
        var failure: ControllerError?
        // One that is missing does not keep the others from being called.
        for (resource, name) in names {
            do throws(ControllerError) {
                try await publish(bundle, to: resource, name, leadership)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func publish(
        _ bundle: String, to resource: APIResource, _ name: String, _ leadership: Leadership
    ) async throws(ControllerError) {
        let webhooks = try await read(resource, name).json["webhooks"]?.arrayValue ?? []
        guard !webhooks.allSatisfy({ Self.bundle(of: $0) == bundle }) else { return }
        let wanted: [JSONValue] = webhooks.compactMap { webhook in
            webhook["name"].map {
                ["name": $0, "clientConfig": ["caBundle": .string(Base64.encode(Array(bundle.utf8)))]]
            }
        }
        var change = KubernetesObject(resource, name: name)
        change.json["webhooks"] = .array(wanted)
        try leadership.check()
        do throws(KubernetesError) {
            _ = try await api.apply(
                change, to: resource, fieldManager: Self.fieldManager, force: true, subresource: nil)
        } catch {
            throw ControllerError(error)
        }
    }

    /// What the configurations trust, each as PEM.
    ///
    /// - Throws: `unavailable`, `refused`, and `source_missing` when there is no such configuration.
    func published() async throws(ControllerError) -> [(name: String, bundle: String)] {
        var result: [(name: String, bundle: String)] = []
        for (resource, name) in names {
            for webhook in try await read(resource, name).json["webhooks"]?.arrayValue ?? [] {
                let label = "\(resource.kind) \(name), \(webhook["name"]?.stringValue ?? "")"
                result.append((label, Self.bundle(of: webhook)))
            }
        }
        return result
    }

    private func read(_ resource: APIResource, _ name: String) async throws(ControllerError) -> KubernetesObject {
        do throws(KubernetesError) {
            return try await api.get(resource, namespace: nil, name: name)
        } catch {
            guard error.kind != .notFound else {
                throw ControllerError(code: "source_missing", message: "There is no \(resource.kind) \(name).")
            }
            throw ControllerError(error)
        }
    }

    private static func bundle(of webhook: JSONValue) -> String {
        let bytes = (webhook["clientConfig"]?["caBundle"]?.stringValue).flatMap { try? Base64.decode($0) }
        return String(decoding: bytes ?? [], as: UTF8.self)
    }
}
