import Kubernetes

/// How many Secrets are watched at a time: so that nobody who may write BrokeredSecrets can use up the connections of all.
struct WatchBudget: Sendable, Hashable {
    /// Of one namespace.
    var perNamespace = 32
    /// Of all together: half of the file descriptors that a process usually has.
    var total = 512

    /// Those that are watched: every namespace has its first before any has its second, in the order of names.
    func share(among keys: Set<ObjectKey>) -> Set<ObjectKey> {
        let namespaces = Dictionary(grouping: keys) { $0.namespace ?? "" }
        if keys.count <= total, namespaces.values.allSatisfy({ $0.count <= perNamespace }) { return keys }
        var ranked: [(rank: Int, namespace: String, key: ObjectKey)] = []
        for (namespace, keys) in namespaces {
            for (rank, key) in keys.sorted(by: { $0.name < $1.name }).prefix(perNamespace).enumerated() {
                ranked.append((rank, namespace, key))
            }
        }
        ranked.sort { ($0.rank, $0.namespace) < ($1.rank, $1.namespace) }
        return Set(ranked.prefix(total).map(\.key))
    }
}
