import Encodings
import Foundation
import JOSE
import Synchronization

/// A cluster in memory: what stands behind an API server of the same semantics as Kubernetes'.
///
/// It outlives the server that serves it, as a cluster does whose API server is restarted.
package final class FakeCluster: Sendable {
    let state: Mutex<ClusterState>
    /// The token of an administrator, which may do everything.
    package let adminToken = UUID().uuidString

    /// A cluster with the namespaces `default` and `kube-system`.
    package init(_ change: (inout ClusterSettings) -> Void = { _ in }) throws {
        var initial = ClusterState()
        change(&initial.settings)
        initial.tokenKeys = [try .generate()]
        initial.users[adminToken] = ClusterUser(
            name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"])
        state = Mutex(initial)
        for name in ["default", "kube-system"] {
            try create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
    }

    // MARK: Objects

    /// Creates an object as an administrator does; the API's refusals are thrown.
    @discardableResult
    package func create(_ object: JSONObject) throws -> JSONObject { try write("POST", object) }

    /// Replaces an object, whatever its version was.
    @discardableResult
    package func replace(_ object: JSONObject) throws -> JSONObject {
        var object = object
        let current = try self.object(object["kind"]?.stringValue ?? "", object.namespace, object.name)
        object.edit("metadata") { $0["resourceVersion"] = (current?.resourceVersion).map(JSONValue.string) }
        return try write("PUT", object)
    }

    /// Merges into an object (RFC 7396), or into its subresource.
    @discardableResult
    package func patch(
        _ kind: String, _ namespace: String, _ name: String, subresource: String? = nil, _ patch: JSONObject
    ) throws -> JSONObject {
        let kind = try self.kind(kind)
        let reply = answer(
            administrator(
                "PATCH", kind.path(namespace: namespace, name: name, subresource: subresource), patch,
                type: "application/merge-patch+json"))
        return try Self.object(reply)
    }

    /// Deletes an object.
    package func delete(_ kind: String, _ namespace: String, _ name: String) throws {
        let kind = try self.kind(kind)
        _ = try Self.object(answer(administrator("DELETE", kind.path(namespace: namespace, name: name), nil)))
    }

    /// An object as it is stored.
    package func object(_ kind: String, _ namespace: String, _ name: String) throws -> JSONObject? {
        let kind = try self.kind(kind)
        let key = ObjectKey(namespace: kind.isNamespaced ? namespace : "", name: name)
        return state.withLock { $0.object(kind, key)?.json }
    }

    /// All objects of a kind.
    package func objects(_ kind: String) throws -> [JSONObject] {
        let kind = try self.kind(kind)
        return state.withLock { $0.objects(kind) }
    }

    /// Defines the kinds of the CustomResourceDefinitions in a folder of YAML files.
    package func define(from folder: URL) throws {
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "yaml" {
            for object in try YAMLObjects.objects(in: String(contentsOf: file, encoding: .utf8)) { try create(object) }
        }
    }

    /// A kind by its name.
    package func kind(_ name: String) throws -> ResourceKind {
        let found = state.withLock { state in state.tables.values.first { $0.kind.kind == name }?.kind }
        guard let found else { throw APIStatus.noSuchPath }
        return found
    }

    private func write(_ method: String, _ object: JSONObject) throws -> JSONObject {
        let kind = try self.kind(object["kind"]?.stringValue ?? "")
        let path = kind.path(
            namespace: object.namespace.isEmpty ? "default" : object.namespace,
            name: method == "POST" ? nil : object.name)
        return try Self.object(answer(administrator(method, path, object)))
    }

    private func administrator(
        _ method: String, _ path: String, _ body: JSONObject?, type: String = "application/json"
    ) -> IncomingRequest {
        IncomingRequest(
            method: method, target: path + "?fieldValidation=Strict&fieldManager=administrator",
            headers: ["authorization": "Bearer \(adminToken)", "content-type": type],
            body: body?.serialized() ?? [])
    }

    private static func object(_ reply: Reply) throws -> JSONObject {
        guard case .json(let code, let object, _) = reply else { throw APIStatus.noSuchPath }
        guard code < 300 else {
            var status = APIStatus(code, object["reason"]?.stringValue ?? "", object["message"]?.stringValue ?? "")
            status.details = object["details"]?.objectValue ?? [:]
            throw status
        }
        return object
    }

    // MARK: The past

    /// Forgets all past revisions, as the store does every five minutes: whoever continues from one gets 410.
    package func compact() { state.withLock { $0.compact() } }

    /// The latest revision.
    package var revision: String { state.withLock { String($0.revision) } }

    /// Sets the server's clock forward or back from now on; tokens expire by it.
    package func advanceClock(by seconds: TimeInterval) { state.withLock { $0.clockOffset += seconds } }

    /// Changes how the cluster behaves.
    package func configure(_ change: @Sendable (inout ClusterSettings) -> Void) {
        state.withLock { change(&$0.settings) }
    }
}

extension FakeCluster {
    // MARK: Identity

    /// Lets a token speak for a user, who needs roles for everything unless a group is `system:masters`.
    package func addUser(_ name: String, token: String, groups: [String] = []) {
        state.withLock { $0.users[token] = ClusterUser(name: name, groups: groups + ["system:authenticated"]) }
    }

    /// Makes a token worthless.
    package func revoke(token: String) { state.withLock { $0.users[token] = nil } }

    /// A token of a service account, which is created where it is missing, for these audiences.
    package func token(
        forServiceAccount name: String, namespace: String, audiences: [String] = [], lifetime: Int64 = 3600
    ) throws -> String {
        if try object("ServiceAccount", namespace, name) == nil {
            try create([
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": ["name": .string(name), "namespace": .string(namespace)],
            ])
        }
        guard let account = try object("ServiceAccount", namespace, name) else { throw APIStatus.noSuchPath }
        return try state.withLock { state in
            try state.token(for: account, audiences: audiences, lifetime: lifetime).token
        }
    }

    /// Signs tokens with a new key from now on; those of former keys stay valid unless they are forgotten.
    package func rotateTokenKey(forgettingFormerKeys: Bool = false) throws {
        let key = try TokenKey.generate()
        state.withLock { state in
            if forgettingFormerKeys { state.tokenKeys = [] }
            state.tokenKeys.append(key)
        }
    }

    // MARK: Faults

    /// Strikes requests that match, so many times (nil: until ``clearFaults()``).
    package func inject(
        _ effect: FaultEffect, times: Int? = 1, where matches: @Sendable @escaping (AccessRequest) -> Bool
    ) {
        state.withLock { $0.faults.append(Fault(effect: effect, matches: matches, remaining: times)) }
    }

    package func clearFaults() { state.withLock { $0.faults = [] } }

    /// Disturbs the watches that run now, of one plural or of all kinds.
    package func disturbWatches(of plural: String? = nil, _ disturbance: Disturbance) {
        state.withLock { state in
            for watcher in state.watchers.values {
                guard plural == nil || state.tables[watcher.table]?.kind.plural == plural else { continue }
                watcher.disturb(disturbance)
            }
        }
    }

    /// How many watches run, of one plural or of all kinds.
    package func watchCount(of plural: String? = nil) -> Int {
        state.withLock { state in
            state.watchers.values.count { plural == nil || state.tables[$0.table]?.kind.plural == plural }
        }
    }

    /// What was asked and answered so far.
    package var requests: [RecordedRequest] { state.withLock { $0.requests } }

    /// Forgets what was asked so far.
    package func clearRequests() { state.withLock { $0.requests = [] } }
}
