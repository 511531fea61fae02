import RATS

/// A version of the KBS protocol that some guest release or development snapshot speaks.
public enum ProtocolVersion: String, Sendable, CaseIterable, Hashable, Comparable {
    /// guest-components up to v0.9; three incompatible bindings under one number.
    case v0_1_0 = "0.1.0"
    /// guest-components v0.10 and v0.11.
    case v0_1_1 = "0.1.1"
    /// guest-components v0.12 and v0.13.
    case v0_2_0 = "0.2.0"
    /// Never released.
    case v0_3_0 = "0.3.0"
    /// guest-components v0.14 and later.
    case v0_4_0 = "0.4.0"

    /// The version that a request names: three numbers, optionally followed by `+` and build metadata, which says
    /// nothing about compatibility. Returns `nil` for every other text, pre-releases included.
    public init?(requested text: String) {
        guard text.utf8.count <= 128 else { return nil }
        let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            let identifiers = parts[1].split(separator: ".", omittingEmptySubsequences: false)
            guard identifiers.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isIdentifierByte) }) else {
                return nil
            }
        }
        self.init(rawValue: String(parts[0]))
    }

    /// Whether `left` is older than `right`.
    public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .v0_1_0: 0
        case .v0_1_1: 1
        case .v0_2_0: 2
        case .v0_3_0: 3
        case .v0_4_0: 4
        }
    }

    private static func isIdentifierByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Which guests are served.
public struct ProtocolPolicy: Sendable, Hashable {
    /// The versions that `/auth` accepts.
    public var enabled: Set<ProtocolVersion>
    /// Whether guests of 0.1.0 before guest-components v0.9 are served: their report data covers the concatenated
    /// texts of nonce, modulus and exponent instead of a JSON document.
    public var concatenatedBinding: Bool
    /// Whether hosts are served that prove launches of SEV guests (``RATS/TEE/sev``). Otherwise there is no such kind.
    public var launches = false

    /// A policy that accepts these versions.
    public init(enabled: Set<ProtocolVersion>, concatenatedBinding: Bool = false) {
        self.enabled = enabled
        self.concatenatedBinding = concatenatedBinding
    }

    /// The version that holds for a request. Hosts of SEV guests call theirs 0.0.0, which never changed and has the shape of
    /// 0.2.0.
    func version(requested text: String, by tee: TEE?) -> ProtocolVersion? {
        if launches, tee == .sev, text == "0.0.0" { return .v0_2_0 }
        return ProtocolVersion(requested: text)
    }

    /// Guests whose responses are sealed as RFC 7516 says: 0.4.0 and 0.2.0.
    public static let standard = ProtocolPolicy(enabled: [.v0_4_0, .v0_2_0])
    /// Also 0.1.1 and 0.1.0 from guest-components v0.9 on. Their response format leaves the header and, in some
    /// releases, the content unauthenticated: serve them over TLS only.
    public static let withLegacy = ProtocolPolicy(enabled: [.v0_4_0, .v0_2_0, .v0_1_1, .v0_1_0])
}
