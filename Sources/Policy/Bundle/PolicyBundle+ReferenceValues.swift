import Encodings
import FoundationEssentials

/// Where one reference value of a document stands.
public struct ReferenceValueStatus: Sendable, Hashable {
    /// The document's identifier, such as `ReferenceValues/-/firmware`.
    public let document: String
    /// The namespace whose policies see it; `nil` when all do.
    public let namespace: String?
    /// The value, with its state, dates and provenance.
    public let entry: ReferenceValueEntry
    /// Whether it counts now, so far as state and dates say; what another entry revokes is not taken off.
    public let counts: Bool
}

extension PolicyBundle {
    /// The reference values of all documents, in their order.
    public func referenceValues(at now: Date) -> [ReferenceValueStatus] {
        documents.flatMap { document -> [ReferenceValueStatus] in
            guard case .referenceValues(let spec) = document.spec else { return [] }
            return spec.values.map { entry in
                ReferenceValueStatus(
                    document: document.identifier, namespace: document.namespace, entry: entry,
                    counts: ReferenceValueSlot.Entry(entry, owner: document.identifier).flaw(now) == nil)
            }
        }
    }
}
