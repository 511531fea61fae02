import RATS

/// What a matching release policy does.
public enum ReleaseEffect: String, Sendable, Hashable, CaseIterable {
    /// Its conditions, all true, allow the release.
    case allow = "Allow"
    /// Its conditions must all be true for any release that it matches.
    case guardrail = "Guardrail"
}

/// Whether a release policy has a say.
public enum PolicyMode: String, Sendable, Hashable, CaseIterable {
    /// It decides.
    case enforce = "Enforce"
    /// It is evaluated and shown, and changes no decision.
    case audit = "Audit"
}

/// The body of a `ReleasePolicy` or `ClusterReleasePolicy`.
public struct ReleasePolicySpec: Sendable {
    /// Whether the policy allows or limits.
    public let effect: ReleaseEffect
    /// Whether the policy decides or is only shown.
    public let mode: PolicyMode
    /// Which requests the policy is about.
    public let match: ReleaseMatch
    /// When the policy holds; always when `nil`.
    public let schedule: ReleaseSchedule?
    /// The common conditions.
    public let require: ReleaseRequirements
    /// What is asked of the releases before, and who has to agree.
    public let limits: ReleaseLimits?
    /// What tells instances apart for the limits, when the policy says it.
    let instance: PolicyExpression?
    /// Named expressions, in order; each may use those before it.
    let variables: [PolicyVariable]
    /// Conditions as expressions.
    let validations: [PolicyValidation]
}

/// Which requests a release policy is about.
public struct ReleaseMatch: Sendable, Hashable {
    /// Patterns of resource paths; one of them must match.
    public let resources: [ResourcePattern]
    /// Operations; one of them must be the requested one, or `*`.
    public let operations: [String]
    /// Plugins; one of them must be the requested one, or `*`.
    public let plugins: [String]

    static let any = "*"
}

/// How good a grade must be.
public enum RequiredTier: String, Sendable, Hashable, CaseIterable {
    /// Affirming, and nothing else.
    case affirming
    /// Affirming or warning.
    case warning
    /// Affirming, or nothing said.
    case none

    func accepts(_ tier: TrustTier) -> Bool {
        switch self {
        case .affirming: tier == .affirming
        case .warning: tier == .affirming || tier == .warning
        case .none: tier == .affirming || tier == .none
        }
    }
}

/// The conditions that need no expression.
public struct ReleaseRequirements: Sendable, Hashable {
    /// The kinds of attester that are accepted; empty means any.
    public var tees: [TEE] = []
    /// Grades that the confidential VM or enclave itself (`cpu0`) must have.
    public var trust: [TrustClaim: RequiredTier] = [:]
    /// The status that every appraisal must have, devices included.
    public var status: RequiredTier?
    /// The greatest age of the attestation result, in seconds.
    public var maximumEvidenceAge: Int64?
    /// What is asked of the init-data.
    public var initData: InitDataRequirement?
    /// The oldest KBS protocol version that is accepted, such as `0.4.0`.
    public var minimumProtocol: ProtocolNumber?
    /// What is asked of the state of the guest and its machine.
    public var posture: PostureRequirement?
}

/// What is asked of the init-data that the guest was started with.
public struct InitDataRequirement: Sendable, Hashable {
    /// Digests of the accepted documents (32 bytes or more); empty means any.
    public let digests: [[UInt8]]
    /// Whether verified init-data must be there.
    public let required: Bool
}

/// A dotted version, compared number by number.
public struct ProtocolNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
    private let parts: [Int]

    /// Three numbers of up to four digits with dots between them, or `nil`.
    public init?(_ text: String) {
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = pieces.compactMap { piece in
            piece.count <= 4 && piece.allSatisfy { $0.isASCII && $0.isNumber } ? Int(piece) : nil
        }
        guard pieces.count == 3, numbers.count == 3 else { return nil }
        parts = numbers
    }

    /// The dotted form.
    public var description: String { parts.map(String.init).joined(separator: ".") }

    /// Whether `left` is older than `right`.
    public static func < (left: ProtocolNumber, right: ProtocolNumber) -> Bool {
        left.parts.lexicographicallyPrecedes(right.parts)
    }
}

/// A named expression.
struct PolicyVariable: Sendable {
    let name: String
    let expression: PolicyExpression
}

/// A condition as an expression.
struct PolicyValidation: Sendable {
    let expression: PolicyExpression
    let message: String?
    let messageExpression: PolicyExpression?
    let reason: String?
    let path: String
}
