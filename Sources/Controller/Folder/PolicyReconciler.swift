import AdminClient
import Policy

/// Brings a broker's policies to what a folder says.
///
/// All changes of one pass go in one request, which the broker takes whole or not at all: a broken file changes nothing.
public struct PolicyReconciler: Sendable {
    /// What a pass did, as policy identifiers (`ReleasePolicy/payments/image-keys`).
    public struct Outcome: Sendable, Hashable {
        /// Stored because they were absent or different.
        public let applied: [String]
        /// Removed because the folder does not have them.
        public let pruned: [String]
        /// Left as they were.
        public let unchanged: Int

        /// Whether the broker had to be changed.
        public var changed: Bool { !applied.isEmpty || !pruned.isEmpty }
    }

    private let folder: PolicyFolder
    private let client: AdminClient
    private let prune: Bool

    /// Makes a reconciler.
    ///
    /// - Parameters:
    ///   - prune: whether policies of the broker that the folder does not have are removed. The folder is then the only
    ///     place where policies come from.
    public init(folder: PolicyFolder, client: AdminClient, prune: Bool) {
        self.folder = folder
        self.client = client
        self.prune = prune
    }

    /// Makes one pass.
    ///
    /// - Throws: `ControllerError`; the broker's policies are then as before, save that a failure between applying and
    ///   pruning leaves superfluous ones, which the next pass removes.
    public func reconcile() async throws(ControllerError) -> Outcome {
        let wanted = try folder.wanted()
        if prune, wanted.isEmpty {
            // An unmounted volume looks like an empty folder, and must not take every policy away.
            throw ControllerError(
                code: "unreadable", message: "The folder has no policy; with pruning that is refused.")
        }
        var applied = try await applyBundles(wanted.bundles)
        let present = try await broker { () async throws(AdminClientError) in try await client.policies() }
        let digests = Dictionary(present.map { ($0.documentIdentifier, $0.digest) }) { first, _ in first }
        let changed = wanted.documents.filter { digests[$0.identifier] != $0.digest }
        if !changed.isEmpty {
            let stream = changed.map(\.text).joined(separator: "\n---\n")
            _ = try await broker { () async throws(AdminClientError) in try await client.applyPolicies(yaml: stream) }
        }
        applied += changed.map(\.identifier)
        let pruned = prune ? try await prune(present, keeping: wanted.identifiers) : []
        return Outcome(
            applied: applied, pruned: pruned,
            unchanged: wanted.documents.count + wanted.bundles.count - applied.count)
    }

    /// Hands over the bundles that the broker does not have as they are here, and returns the names of those that it took.
    ///
    /// Having the bundle is not enough: its documents may have been overwritten or removed outside of it, and others may
    /// stand in its way since signatures are required. The broker mends both when it gets the bundle again.
    private func applyBundles(
        _ bundles: [(content: PolicyBundleContent, file: [UInt8])]
    ) async throws(ControllerError) -> [String] {
        guard !bundles.isEmpty else { return [] }
        let status = try await broker { () async throws(AdminClientError) in try await client.policyStatus() }
        let records = try await broker { () async throws(AdminClientError) in try await client.policies() }
        let isUsable = (status["problem"] ?? .null).isNull
        let digests = (status["bundles"]?.arrayValue ?? []).map { $0["digest"]?.stringValue }
        var applied: [String] = []
        for (content, file) in bundles {
            if isUsable, digests.contains(content.digest), records.hold(content) { continue }
            let answer = try await broker { () async throws(AdminClientError) in try await client.applyBundle(file) }
            if answer["bundle"]?["change"] != "unchanged" { applied.append("PolicyBundle/\(content.name)") }
        }
        return applied
    }

    /// Removes what the folder does not have. Documents of signed bundles are not touched: their bundle says what there is.
    private func prune(
        _ present: [PolicyRecord], keeping wanted: Set<String>
    ) async throws(ControllerError) -> [String] {
        var pruned: [String] = []
        for record in present
        where !wanted.contains(record.documentIdentifier) && !record.isOfBundle && !record.isOfSource {
            try await broker { () async throws(AdminClientError) in
                try await client.deletePolicy(kind: record.kind, namespace: record.namespace, name: record.name)
            }
            pruned.append(record.documentIdentifier)
        }
        return pruned
    }

    private func broker<Value>(
        _ body: () async throws(AdminClientError) -> Value
    ) async throws(ControllerError) -> Value {
        do throws(AdminClientError) {
            return try await body()
        } catch {
            let transient = error.code == .unavailable
            throw ControllerError(code: transient ? "unavailable" : "refused", message: error.description)
        }
    }
}

extension PolicyRecord {
    /// The identifier as `PolicyDocument` writes it.
    var documentIdentifier: String {
        namespace.map { "\(kind)/\($0)/\(name)" } ?? "\(kind)/\(name)"
    }
}

extension [PolicyRecord] {
    /// Whether the documents of a bundle are there, as it says, and no others of it.
    fileprivate func hold(_ content: PolicyBundleContent) -> Bool {
        let wanted = Dictionary(content.documents.map { ($0.identifier, $0.digest) }) { first, _ in first }
        let found = filter { $0.origin == "bundle/\(content.name)" }
        return found.count == wanted.count && found.allSatisfy { wanted[$0.documentIdentifier] == $0.digest }
    }
}
