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

    /// Has every webhook of every configuration that is there trust the bundle. Nothing is written where that is so already.
    ///
    /// - Returns: the configurations that are there; by one that is not, nobody is called.
    /// - Throws: `unavailable` and `refused`.
    func publish(_ bundle: String, under leadership: Leadership) async throws(ControllerError) -> Set<String> {
        var found: Set<String> = []
        var failure: ControllerError?
        // One that cannot be written does not keep the others from being called.
        for (resource, name) in names {
            do throws(ControllerError) {
                guard let present = try await read(resource, name) else { continue }
                found.insert(Self.label(resource, name))
                try await publish(bundle, to: resource, name, present, leadership)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return found
    }

    private func publish(
        _ bundle: String, to resource: APIResource, _ name: String, _ present: KubernetesObject,
        _ leadership: Leadership
    ) async throws(ControllerError) {
        let webhooks = present.json["webhooks"]?.arrayValue ?? []
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

    /// What the configurations say.
    struct Published: Sendable {
        /// Every webhook of those that are there, with what it trusts, PEM.
        var webhooks: [(name: String, bundle: String)] = []
        /// Those that are not there.
        var missing: [String] = []
        /// Whether not one is there: nobody calls at all.
        var isNothingThere = false
    }

    /// What API servers were told to trust.
    ///
    /// - Throws: `unavailable` and `refused`.
    func published() async throws(ControllerError) -> Published {
        var result = Published()
        for (resource, name) in names {
            guard let present = try await read(resource, name) else {
                result.missing.append(Self.label(resource, name))
                continue
            }
            for webhook in present.json["webhooks"]?.arrayValue ?? [] {
                let label = "\(Self.label(resource, name)), \(webhook["name"]?.stringValue ?? "")"
                result.webhooks.append((label, Self.bundle(of: webhook)))
            }
        }
        result.isNothingThere = !names.isEmpty && result.missing.count == names.count
        return result
    }

    private func read(_ resource: APIResource, _ name: String) async throws(ControllerError) -> KubernetesObject? {
        do throws(KubernetesError) {
            return try await api.get(resource, namespace: nil, name: name)
        } catch {
            guard error.kind != .notFound else { return nil }
            throw ControllerError(error)
        }
    }

    private static func label(_ resource: APIResource, _ name: String) -> String { "\(resource.kind) \(name)" }

    private static func bundle(of webhook: JSONValue) -> String {
        let bytes = (webhook["clientConfig"]?["caBundle"]?.stringValue).flatMap { try? Base64.decode($0) }
        return String(decoding: bytes ?? [], as: UTF8.self)
    }
}
