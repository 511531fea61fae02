import Encodings

/// A value that a verifier states about a guest or device, as policies and tokens see it.
public struct Claim: Sendable {
    /// Whether the value is there.
    public enum Presence: String, Sendable, Hashable, CaseIterable {
        /// In all evidence of its kind.
        case always
        /// Only in some evidence of its kind.
        case sometimes
        /// Only when this broker's own verifier looked at the evidence; tokens of other issuers lack it.
        case additional
    }

    /// The name of the member.
    public let name: String
    /// What its value can be.
    public let type: ClaimType
    /// Whether it is there.
    public let presence: Presence
    /// What it says, in a sentence for people who do not know the hardware.
    public let meaning: String
    /// Where in the evidence it comes from.
    public let source: String
    private let written: JSONValue?

    /// A value as it could be in real evidence; that of an object is made of its members' examples.
    public var example: JSONValue { written ?? type.example }

    init(
        _ name: String, _ type: ClaimType, _ presence: Presence = .always, example: JSONValue? = nil,
        from source: String, _ meaning: String
    ) {
        self.name = name
        self.type = type
        self.presence = presence
        self.meaning = meaning
        self.source = source
        written = example
    }
}

extension [Claim] {
    /// An object with these members, each with its example.
    var example: JSONValue {
        var object = JSONObject()
        for claim in self { object[claim.name] = claim.example }
        return .object(object)
    }
}
