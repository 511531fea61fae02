public import Encodings
import FoundationEssentials
import Policy
import RATS
import Storage

/// The name of a policy document.
public struct PolicyName: Sendable, Hashable {
    /// The kind, such as `ReleasePolicy`.
    public let kind: String
    /// The namespace, for kinds that have one.
    public let namespace: String?
    /// The name within kind and namespace.
    public let name: String

    /// A name from its parts.
    public init(kind: String, namespace: String?, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    var key: PolicyKey { PolicyKey(kind: kind, namespace: namespace, name: name) }
}

extension Broker {
    private static let adminOrigin = "admin"
    private static let resourcePolicyOrigin = "resource-policy"
    private static let changeAttempts = 16

    /// Stores the documents of a YAML stream, after the whole bundle that would result was found to compile.
    ///
    /// Answers with each document's name and whether it is new, changed or the same. A dry run stores nothing. The text may
    /// also be one signed bundle, which takes the place of the older one of its name.
    ///
    /// Throws `malformed` with every diagnostic when something is wrong, `denied` when a signature is required and missing or
    /// wrong, `conflict` for a bundle that is older than one that was applied; nothing is stored then.
    public func applyPolicies(
        _ yaml: String, dryRun: Bool, by author: String
    ) async throws(BrokerError) -> JSONValue {
        if SignedPolicyBundle.isOne(yaml) { return try await applyBundle(yaml, dryRun: dryRun, by: author) }
        try requireUnsignedPoliciesAllowed()
        let documents = try parse(yaml, source: "request")
        try requireUnsignedValuesAllowed(documents)
        let names = Set(documents.map(\.key))
        let results = try await changingPolicies { stored throws(BrokerError) in
            // What is replaced need not compile: this is also the way to mend it.
            let rest = try parse(stored.policies.filter { !names.contains($0.key) })
            _ = try compile(rest.replacing(with: documents), stored)
            let known = Dictionary(stored.policies.map { ($0.key, $0.digest) }) { $1 }
            // Rows that somebody wrote past the brokers may lie about their digests.
            let news = documents.filter { known[$0.key] != $0.digest || !stored.violations.isEmpty }.map(\.newPolicy)
            try requireNotOfSource(news.map(\.key), in: stored)
            if !dryRun, !news.isEmpty {
                _ = try await storing { () async throws(StorageError) in
                    try await policyDocuments.put(
                        news, origin: Self.adminOrigin, by: author, after: stored.generation)
                }
            }
            return documents.map { $0.change(from: known[$0.key]) }
        }
        if !dryRun { _ = try await policies.current() }
        return [
            "dryRun": .bool(dryRun), "policies": .array(results),
            "bundleDigest": .string(policies.latest.bundle.digest),
        ]
    }

    /// Makes these documents all that the `resource-policy` endpoint ever stored.
    public func setResourcePolicy(_ yaml: String, by author: String) async throws(BrokerError) {
        try requireUnsignedPoliciesAllowed()
        let documents = try parse(yaml, source: Self.resourcePolicyOrigin)
        guard documents.allSatisfy({ $0.kind == .releasePolicy || $0.kind == .clusterReleasePolicy }) else {
            throw .malformed(
                "ParsePolicyError", code: "wrong_kind",
                "Failed to parse policy: A resource policy holds documents of the kinds ReleasePolicy and ClusterReleasePolicy"
            )
        }
        try await replace(origin: Self.resourcePolicyOrigin, with: documents, by: author)
    }

    /// Makes one AppraisalPolicy the one of an upload id, such as `default_cpu`.
    public func setAttestationPolicy(
        _ yaml: String, identifier: String, by author: String
    ) async throws(BrokerError) {
        try requireUnsignedPoliciesAllowed()
        let documents = try parse(yaml, source: identifier)
        let expected = PolicyBundle.appraisalPolicyName(uploadID: identifier)
        guard documents.count == 1, let document = documents.first, document.kind == .appraisalPolicy,
            document.name == expected
        else {
            throw .malformed(
                "AttestationError", code: "wrong_kind",
                "Attestation error: Set Attestation Policy failed: it must be one AppraisalPolicy with the name \(expected)"
            )
        }
        try await replace(origin: "attestation-policy/\(expected)", with: [document], by: author)
    }

    /// The ids of the protocol's one resource policy, for clients that ask for a list: itself, when it is set.
    public func resourcePolicyIDs() async throws(BrokerError) -> [String] {
        let documents = try await storing { () async throws(StorageError) in
            try await policyDocuments.list(origin: Self.resourcePolicyOrigin)
        }
        return documents.isEmpty ? [] : [Self.resourcePolicyOrigin]
    }

    /// All policy documents: `{"generation": …, "bundleDigest": …, "policies": […]}`.
    public func policyList() async throws(BrokerError) -> JSONValue {
        let stored = try await storedPolicies()
        // An administrator sees what is stored also when it does not compile.
        let compiled = (try? await policies.current(atLeast: stored.generation)) ?? policies.latest
        return [
            "generation": .int(stored.generation), "bundleDigest": .string(compiled.bundle.digest),
            "inForce": .int(compiled.generation), "policies": .array(stored.policies.map { .object($0.summary()) }),
        ]
    }

    /// One policy document with its text.
    public func policy(_ name: PolicyName) async throws(BrokerError) -> JSONValue {
        let stored = try await storing { () async throws(StorageError) in try await policyDocuments.get(name.key) }
        guard let stored else { throw .notFound("PolicyNotFound", "There is no policy of this name") }
        var object = stored.summary()
        object["text"] = .string(stored.text)
        return .object(object)
    }

    /// Removes a policy document, unless what would be left does not compile; throws `notFound` when there is none.
    public func deletePolicy(_ name: PolicyName, by author: String) async throws(BrokerError) {
        try requireUnsignedPoliciesAllowed()
        try await changingPolicies { stored throws(BrokerError) in
            try requireNotOfSource([name.key], in: stored)
            _ = try compile(try parse(stored.policies.filter { $0.key != name.key }), stored)
            let generation = try await storing { () async throws(StorageError) in
                try await policyDocuments.delete(name.key, by: author, after: stored.generation)
            }
            guard generation != nil else { throw .notFound("PolicyNotFound", "There is no policy of this name") }
        }
        _ = try await policies.current()
    }

    /// What became of a policy document over time, the newest change first.
    public func policyHistory(_ name: PolicyName) async throws(BrokerError) -> JSONValue {
        let changes = try await storing { () async throws(StorageError) in try await policyDocuments.history(name.key) }
        guard !changes.isEmpty else { throw .notFound("PolicyNotFound", "There never was a policy of this name") }
        return [
            "policy": .string(name.key.description),
            "history": .array(
                changes.map { change in
                    [
                        "generation": .int(change.generation), "change": .string(change.change.rawValue),
                        "digest": .optional(change.digest), "origin": .string(change.origin),
                        "changedAt": .string(change.changedAt.rfc3339), "changedBy": .string(change.changedBy),
                        "text": .optional(change.text),
                    ]
                }),
        ]
    }

    private func replace(
        origin: String, with documents: [PolicyDocument], by author: String
    ) async throws(BrokerError) {
        try await changingPolicies { stored throws(BrokerError) in
            let others = stored.policies.filter { $0.origin != origin }
            _ = try compile(try parse(others).replacing(with: documents), stored)
            _ = try await storing { () async throws(StorageError) in
                try await policyDocuments.replace(
                    origin: origin, with: documents.map(\.newPolicy), by: author, after: stored.generation)
            }
        }
        _ = try await policies.current()
    }

    /// Makes a change that was checked against what is stored. When somebody else made one meanwhile it is checked again:
    /// two changes that each compile and together do not are never both stored.
    func changingPolicies<Result: Sendable>(
        _ change: (PolicySnapshot) async throws(BrokerError) -> Result
    ) async throws(BrokerError) -> Result {
        var stored = try await changeablePolicies()
        for _ in 0..<Self.changeAttempts {
            do throws(BrokerError) {
                return try await change(stored)
            } catch {
                guard error.kind == .conflict else { throw error }
                let newer = try await changeablePolicies()
                guard newer.generation != stored.generation else { throw error }
                stored = newer
            }
        }
        throw BrokerError(
            kind: .conflict, variant: "Conflict", code: "conflict",
            message: "The policies are being changed by others; try again")
    }

    /// What is stored, when a change to it does not bless what somebody else did to it.
    private func changeablePolicies() async throws(BrokerError) -> PolicySnapshot {
        let stored = try await storedPolicies()
        guard stored.isSealed else {
            throw BrokerError(
                kind: .conflict, variant: "PolicySeal", code: "policies_unauthentic",
                message:
                    "The stored policies were changed past the brokers (code: policies_unauthentic): the operator must look at them with claviger-broker policies"
            )
        }
        return stored
    }

    func storedPolicies() async throws(BrokerError) -> PolicySnapshot {
        try await storing { () async throws(StorageError) in try await policyDocuments.snapshot() }
    }

    func parse(_ yaml: String, source: String) throws(BrokerError) -> [PolicyDocument] {
        do throws(PolicyError) {
            return try PolicyParser.parse(yaml, source: source)
        } catch {
            throw Self.refused(error)
        }
    }

    func parse(_ stored: [StoredPolicy]) throws(BrokerError) -> [PolicyDocument] {
        var documents: [PolicyDocument] = []
        for policy in stored { documents += try parse(policy.text, source: policy.key.description) }
        return documents
    }

    /// The bundle that would be in force, with the registered reference values that count now; without any when `stored` is
    /// nil.
    func compile(
        _ documents: [PolicyDocument], _ stored: PolicySnapshot?
    ) throws(BrokerError) -> PolicyBundle {
        do throws(PolicyError) {
            return try PolicyBundle(
                documents,
                registered: stored.map { CompiledPolicies.registered($0, at: environment.clock.now()) }
                    ?? ReferenceValues())
        } catch {
            throw Self.refused(error)
        }
    }

    private static func refused(_ error: PolicyError) -> BrokerError {
        .malformed(
            "ParsePolicyError", code: error.diagnostics.first?.code ?? error.code,
            "Failed to parse policy: \(error.description)")
    }
}

extension PolicyDocument {
    /// What applying this document does to one of its name with this digest.
    func change(from before: String?) -> JSONValue {
        let change = before == nil ? "created" : before == digest ? "unchanged" : "changed"
        return ["policy": .string(identifier), "digest": .string(digest), "change": .string(change)]
    }
}
