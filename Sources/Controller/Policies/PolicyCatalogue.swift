import AdminClient
import Encodings
import Kubernetes
import Policy

/// All policy objects that the API server has, of all kinds and watched namespaces.
struct PolicyCatalogue: Sendable {
    /// Which object, and which state of what it says.
    struct Version: Sendable, Hashable {
        let uid: String
        let generation: Int64
    }

    struct Entry: Sendable {
        let resource: APIResource
        let object: KubernetesObject
        let version: Version
        /// Why the object may have changed without having been seen; nil while its kind is followed.
        var problem: String?
    }

    /// The objects by kind.
    let caches: [(resource: APIResource, cache: any ObjectCache)]

    var hasSynced: Bool { caches.allSatisfy(\.cache.hasSynced) }

    /// The kinds that were not read whole yet, or cannot be followed.
    var unread: [String] {
        caches.filter { !$0.cache.hasSynced || $0.cache.problem != nil }.map(\.resource.plural).sorted()
    }

    /// The objects of now. One that is being deleted counts until it is gone: a guardrail guards as long.
    func entries() -> [PolicyKey: Entry] {
        var entries: [PolicyKey: Entry] = [:]
        for (resource, cache) in caches {
            let problem = cache.problem
            for object in cache.objects {
                let key = PolicyKey(
                    kind: resource.kind, namespace: resource.isNamespaced ? object.namespace : nil, name: object.name)
                entries[key] = Entry(
                    resource: resource, object: object,
                    version: Version(uid: object.uid ?? "", generation: object.generation ?? 0),
                    problem: problem)
            }
        }
        return entries
    }

    /// The document that the broker gets of an object: nothing but what the policy says, under the name and in the namespace
    /// that the API server vouches for.
    static func outgoing(_ key: PolicyKey, _ entry: Entry) -> OutgoingPolicy {
        document(key, entry, spec: entry.object.spec)
    }

    /// A document that names the object and says nothing.
    static func naming(_ key: PolicyKey, _ entry: Entry) -> OutgoingPolicy {
        document(key, entry, spec: nil)
    }

    private static func document(_ key: PolicyKey, _ entry: Entry, spec: JSONObject?) -> OutgoingPolicy {
        var metadata: JSONObject = ["name": .string(key.name)]
        metadata["namespace"] = key.namespace.map { .string($0) }
        var document: JSONObject = [
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": .string(key.kind),
            "metadata": .object(metadata),
        ]
        document["spec"] = spec.map { .object($0) }
        return OutgoingPolicy(
            key: key,
            document: SourcePolicy(
                text: document.serializedString(), uid: entry.version.uid, generation: entry.version.generation))
    }
}
