import Encodings
import Kubernetes

/// The value of a Secret's key.
struct SourceSecret: Sendable {
    let value: SecretBytes
    let resourceVersion: String
}

/// Reads the Secrets that specs refer to, by name only.
protocol SourceSecrets: Sendable {
    /// - Throws: `source_missing` when there is no such Secret or key, or this controller may not read it.
    func read(_ name: String, key: String, in namespace: String) async throws(ControllerError) -> SourceSecret
}

/// Reads Secrets from the API server when they are handed over, and keeps none.
struct NamedSecretReader: SourceSecrets {
    let api: any KubernetesAPI

    func read(_ name: String, key: String, in namespace: String) async throws(ControllerError) -> SourceSecret {
        let object: KubernetesObject
        do throws(KubernetesError) {
            object = try await api.get(.secrets, namespace: namespace, name: name)
        } catch {
            switch error.kind {
            case .notFound: throw Self.missing("There is no Secret \(name).")
            case .forbidden:
                throw Self.missing("The controller may not read the Secret \(name): a Role has to name it.")
            default: throw ControllerError(error)
            }
        }
        guard let text = object.json["data"]?[key]?.stringValue, var bytes = try? Base64.decode(text) else {
            throw Self.missing("The Secret \(name) has no key \(key).")
        }
        return SourceSecret(value: SecretBytes(wiping: &bytes), resourceVersion: object.resourceVersion ?? "")
    }

    private static func missing(_ message: String) -> ControllerError {
        ControllerError(code: "source_missing", message: message)
    }
}
