import Encodings
import Kubernetes

/// One kind's objects of the watched namespaces, each with an informer of its own, or of all with one.
struct InformedCache: ObjectCache {
    /// A server that is restarted, and a watch that breaks, are over sooner.
    static let patience: Duration = .seconds(60)

    let resource: APIResource
    let followers: [RenewableInformer]
    let environment: RuntimeEnvironment

    var hasSynced: Bool { followers.allSatisfy(\.hasSynced) }
    var objects: [KubernetesObject] { followers.flatMap(\.store.all) }
    var keys: [ObjectKey] { followers.flatMap(\.store.keys) }

    var problem: String? {
        let now = environment.now()
        let trouble = followers.compactMap(\.trouble).filter { now - $0.since >= Self.patience }
        guard let longest = trouble.min(by: { $0.since < $1.since }) else { return nil }
        return "the API server gives no \(resource.plural) any more (\(longest.error.rawValue))"
    }

    subscript(_ key: ObjectKey) -> KubernetesObject? {
        for follower in followers {
            if let object = follower.store[key] { return object }
        }
        return nil
    }

    /// For how long some of it has not been followed.
    func troubledFor(at now: ContinuousClock.Instant) -> Duration {
        followers.compactMap(\.trouble).map { now - $0.since }.max() ?? .zero
    }

    /// Follows everything until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for follower in followers { group.addTask { await follower.run() } }
        }
    }

    /// Reads everything as it is now, whatever the watches told so far. Returns before that only when the task is cancelled.
    func readAnew() async {
        await withDiscardingTaskGroup { group in
            for follower in followers { group.addTask { try? await follower.readAnew() } }
        }
    }
}

extension KubernetesObject {
    /// The annotation in which `kubectl apply` keeps a copy of the whole object.
    private static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    /// The object without what nobody here reads and what often is most of it. Which fields of the status are this
    /// controller's stays: others may have said something of their own there, which is no reason to write it again.
    func withoutBookkeeping() -> KubernetesObject {
        var object = self
        var metadata = object.metadata
        if let managed = metadata["managedFields"]?.arrayValue {
            metadata["managedFields"] = .array(managed.filter(Self.isOwnStatus))
        }
        if var annotations = metadata["annotations"]?.objectValue, annotations.contains(Self.lastApplied) {
            annotations[Self.lastApplied] = nil
            metadata["annotations"] = annotations.isEmpty ? nil : .object(annotations)
        }
        object.metadata = metadata
        return object
    }

    private static func isOwnStatus(_ entry: JSONValue) -> Bool {
        entry["manager"]?.stringValue == ObjectStatuses.fieldManager && entry["subresource"]?.stringValue == "status"
    }
}

extension ObjectChange {
    /// Whether what the object says, or whether it shall be, is other than before. Labels and its status are neither.
    var isOfSubstance: Bool {
        guard case .updated(let old, let new) = self else { return true }
        return old.generation != new.generation || old.uid != new.uid
            || old.deletionTimestamp != new.deletionTimestamp || old.finalizers != new.finalizers
    }
}
