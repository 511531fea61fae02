import Encodings
import Foundation
import JOSE

/// What a cluster consists of; guarded by the lock of ``FakeCluster``.
struct ClusterState: Sendable {
    var tables: [String: ObjectTable] = [:]
    private(set) var revision: Int64 = 1000
    var watchers: [Int: Watcher] = [:]
    var nextWatcher = 0
    /// Objects by the uid of what owns them.
    private var dependents: [String: Set<Dependent>] = [:]
    var faults: [Fault] = []
    var users: [String: ClusterUser] = [:]
    var tokenKeys: [TokenKey] = []
    var settings = ClusterSettings()
    var requests: [RecordedRequest] = []
    var clockOffset: TimeInterval = 0
    var baseURL = ""

    struct Dependent: Hashable, Sendable {
        let table: String
        let key: ObjectKey
    }

    init() {
        for kind in BuiltInKinds.all { tables[kind.id] = ObjectTable(kind, at: revision) }
    }

    var now: Date { Date(timeIntervalSinceNow: clockOffset) }

    func kind(group: String, version: String, plural: String) -> ResourceKind? {
        let kind = tables[group.isEmpty ? plural : "\(plural).\(group)"]?.kind
        return kind?.version == version ? kind : nil
    }

    func object(_ kind: ResourceKind, _ key: ObjectKey) -> StoredObject? { tables[kind.id]?.objects[key] }

    /// Stores what was made or changed under the next revision, and tells who watches.
    @discardableResult
    mutating func store(_ object: JSONObject, _ kind: ResourceKind) -> JSONObject {
        revision += 1
        let key = ObjectKey(namespace: kind.isNamespaced ? object.namespace : "", name: object.name)
        var object = object
        object.edit("metadata") { $0["resourceVersion"] = .string(String(revision)) }
        let stored = StoredObject(object, revision: revision)
        let former = tables[kind.id]?.objects[key]
        record(Change(kind: former == nil ? .added : .modified, key: key, object: stored, former: former), kind)
        for owner in Self.owners(of: object) {
            dependents[owner, default: []].insert(Dependent(table: kind.id, key: key))
        }
        if former == nil, kind.id == BuiltInKinds.namespaces.id { publishAuthority(in: object.name) }
        return object
    }

    /// Does what a controller-manager does in a new namespace.
    private mutating func publishAuthority(in namespace: String) {
        guard let authority = settings.publishedAuthority,
            let maps = tables.values.first(where: { $0.kind.kind == "ConfigMap" })?.kind
        else { return }
        store(
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": [
                    "name": "kube-root-ca.crt", "namespace": .string(namespace), "uid": .string(newUID()),
                    "creationTimestamp": .string(Timestamp.text(now)),
                ],
                "data": ["ca.crt": .string(authority)],
            ], maps)
    }

    /// Removes an object, and what only it owned.
    mutating func remove(_ object: JSONObject, _ kind: ResourceKind) {
        let key = ObjectKey(namespace: kind.isNamespaced ? object.namespace : "", name: object.name)
        guard let former = tables[kind.id]?.objects[key] else { return }
        revision += 1
        var last = object
        last.edit("metadata") { $0["resourceVersion"] = .string(String(revision)) }
        let stored = StoredObject(last, revision: revision)
        record(Change(kind: .deleted, key: key, object: stored, former: former), kind)
        if kind.id == BuiltInKinds.definitions.id { undefine(object) }
        collect(below: object.uid)
    }

    private mutating func record(_ change: Change, _ kind: ResourceKind) {
        tables[kind.id]?.record(change, keeping: settings.historyLimit)
        for watcher in watchers.values where watcher.table == kind.id { watcher.wake() }
    }

    private static func owners(of object: JSONObject) -> [String] {
        (object.metadata["ownerReferences"]?.arrayValue ?? []).compactMap { $0["uid"]?.stringValue }
    }

    /// Deletes in the background what is owned by nobody any more.
    private mutating func collect(below owner: String) {
        for dependent in dependents.removeValue(forKey: owner) ?? [] {
            guard let table = tables[dependent.table], let object = table.objects[dependent.key]?.json else { continue }
            let living = Self.owners(of: object).contains { uid in
                uid != owner && tables.values.contains { $0.objects.values.contains { $0.json.uid == uid } }
            }
            if !living { delete(object, table.kind) }
        }
    }

    /// Deletes an object as the API does: at once, or when its finalizers are gone.
    mutating func delete(_ object: JSONObject, _ kind: ResourceKind) {
        guard !object.finalizers.isEmpty else {
            if kind.id == BuiltInKinds.namespaces.id { empty(namespace: object.name) }
            return remove(object, kind)
        }
        guard object.metadata["deletionTimestamp"] == nil else { return }
        var doomed = object
        let now = now
        doomed.edit("metadata") {
            $0["deletionTimestamp"] = .string(Timestamp.text(now))
            $0["deletionGracePeriodSeconds"] = 0
            if kind.hasGeneration { $0["generation"] = .int(($0["generation"]?.intValue ?? 1) + 1) }
        }
        store(doomed, kind)
    }

    private mutating func empty(namespace: String) {
        for table in tables.values where table.kind.isNamespaced {
            for (key, stored) in table.objects where key.namespace == namespace { delete(stored.json, table.kind) }
        }
    }

    mutating func compact() {
        for id in tables.keys { tables[id]?.compact(to: revision) }
    }

    /// Serves a kind that a CustomResourceDefinition defines, keeping its objects when it was served before.
    mutating func define(_ kind: ResourceKind) {
        if tables[kind.id] != nil {
            tables[kind.id]?.kind = kind
        } else {
            tables[kind.id] = ObjectTable(kind, at: revision)
        }
    }

    private mutating func undefine(_ definition: JSONObject) {
        tables[definition.name] = nil
        for watcher in watchers.values where watcher.table == definition.name { watcher.disturb(.end) }
    }
}

/// How a cluster behaves where clusters differ.
package struct ClusterSettings: Sendable {
    /// How many changes of each kind are kept for watchers that begin in the past.
    package var historyLimit = 10_000
    /// How often an idle watch that asked for them gets a bookmark.
    package var bookmarkInterval: Duration = .seconds(60)
    /// Whether watches may begin with the objects that exist.
    package var offersWatchList = true
    /// What stands in the ConfigMap `kube-root-ca.crt` of each namespace; nil for a cluster without a controller-manager,
    /// which makes it.
    package var publishedAuthority: String?
    /// The issuer of service-account tokens; nil for the server's own address.
    package var issuer: String?
    /// Where the Services of webhooks are, by `namespace/name`: `https://host:port`. There is no network that they live in.
    package var services: [String: String] = [:]
    /// Denies what the roles would allow: the sentence, or nil.
    package var denial: @Sendable (AccessRequest) -> String? = { _ in nil }
    /// Whether service accounts need roles for what they do. Named users of ``FakeCluster/addUser(_:token:groups:)`` in
    /// `system:masters` never do.
    package var checksRoles = true
}

/// A request as it was answered.
package struct RecordedRequest: Sendable {
    package let method: String
    package let path: String
    package let query: [String: String]
    package let user: String
    package let userAgent: String
    package let status: Int
}
