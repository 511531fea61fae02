import Encodings
import FoundationEssentials

/// The body of a `ReferenceValues` document.
public struct ReferenceValuesSpec: Sendable, Hashable {
    /// The values, in the order of the text.
    public let values: [ReferenceValueEntry]
}

/// Where a reference value stands in its life.
public enum ReferenceValueState: String, Sendable, Hashable, CaseIterable {
    /// Proposed; does not count yet.
    case candidate
    /// Counts.
    case accepted
    /// Still counts; to be replaced.
    case deprecated
    /// Does not count any more.
    case revoked

    var counts: Bool { self == .accepted || self == .deprecated }
}

/// One named reference value.
public struct ReferenceValueEntry: Sendable, Hashable {
    /// The name that `reference('…')` asks for.
    public let name: String
    /// The value: a list when the document says `values`, anything when it says `value`.
    public let value: JSONValue
    /// Where the value stands in its life.
    public let state: ReferenceValueState
    /// From when on the value counts.
    public let validFrom: Date?
    /// From when on the value counts no longer.
    public let validUntil: Date?
    /// What the author notes about it.
    public let description: String?
    let position: SourcePosition
}
