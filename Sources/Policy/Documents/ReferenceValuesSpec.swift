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
    /// Does not count any more, and takes what is equal to it out of the other values of its name.
    case revoked

    var counts: Bool { self == .accepted || self == .deprecated }
}

/// Where a reference value comes from, as its author says; nothing of it is checked.
public struct ReferenceValueProvenance: Sendable, Hashable {
    /// What the value was measured on, such as an image reference or an address.
    public let source: String?
    /// Digest of that.
    public let digest: String?
    /// Who or what built it.
    public let builtBy: String?
    /// Who signed it.
    public let signedBy: String?
    /// When.
    public let date: Date?

    /// All of it in one line.
    public var summary: String {
        let parts = [
            source.map { "from \($0)" }, digest.map { "digest \($0)" }, builtBy.map { "built by \($0)" },
            signedBy.map { "signed by \($0)" }, date.map { "on \(TimestampText.text($0))" },
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
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
    /// Where the value comes from.
    public let provenance: ReferenceValueProvenance?
    /// Whether the document says `values`.
    let isList: Bool
    let position: SourcePosition
}
