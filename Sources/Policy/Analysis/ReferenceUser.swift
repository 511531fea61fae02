import Encodings
public import FoundationEssentials

/// A policy that asks for a reference value.
public struct ReferenceUser: Sendable, Hashable {
    /// The policy's identifier, such as `AppraisalPolicy/-/default-cpu`.
    public let policy: String
    /// The policy's namespace; `nil` for a policy of the cluster.
    public let namespace: String?
    /// Where in the policy it asks, such as `spec.rules[0].when[1]`.
    public let paths: [String]
    /// Why the policy gets no value now; `nil` when it gets one.
    public let missing: String?
}

extension PolicyBundle {
    /// The policies that ask for a reference value, in the order of the documents.
    public func users(ofReferenceValue name: String, at now: Date) -> [ReferenceUser] {
        documents.compactMap { document -> ReferenceUser? in
            if case .referenceValues = document.spec { return nil }
            var paths = document.content.expressions(at: "spec").filter { $0.facts.referenceNames.contains(name) }
                .map(\.path)
            if case .release(let spec) = document.spec, spec.require.posture?.referenceNames.contains(name) == true {
                paths.append("spec.require.posture")
            }
            guard !paths.isEmpty else { return nil }
            var missing: String?
            if case .missing(let reason) = references.lookup(name, namespace: document.namespace, now: now) {
                missing = reason
            }
            return ReferenceUser(
                policy: document.identifier, namespace: document.namespace, paths: paths, missing: missing)
        }
    }
}
