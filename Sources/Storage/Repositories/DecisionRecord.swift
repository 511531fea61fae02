import Encodings
import FoundationEssentials

/// One row of the ledger: a decision and why it was made.
public struct DecisionRecord: Sendable, Hashable {
    /// The decision's id; see `makeID`.
    public var id: String
    /// When it was made.
    public var at: Date
    /// Whether the request was allowed.
    public var allowed: Bool
    /// The safe code that the guest sees.
    public var code: String
    /// The reason, for the admin.
    public var reason: String
    /// The operation, for instance `get`.
    public var operation: String
    /// The plugin that was asked, for instance `resource`.
    public var plugin: String
    /// The path that was asked for.
    public var path: String
    /// The tenant of the path, if it has one.
    public var tenant: String?
    /// The TEE of the attester, if one was verified.
    public var tee: String?
    /// A reference to the session or token; never the secret id itself.
    public var session: String?
    /// The digest of the policy bundle that decided.
    public var bundleDigest: String
    /// Each policy and condition that was looked at.
    public var trace: JSONValue
    /// The claims that were judged, without those of the attestation that `attestation` names until the record is read.
    public var claims: JSONValue
    /// The digest of the attestation's record, whose members are among the claims when the decision is read.
    public var attestation: [UInt8]?

    /// A record from its parts.
    public init(
        id: String, at: Date, allowed: Bool, code: String, reason: String, operation: String, plugin: String,
        path: String, tenant: String? = nil, tee: String? = nil, session: String? = nil, bundleDigest: String,
        trace: JSONValue = .null, claims: JSONValue = .null, attestation: [UInt8]? = nil
    ) {
        self.id = id
        self.at = at
        self.allowed = allowed
        self.code = code
        self.reason = reason
        self.operation = operation
        self.plugin = plugin
        self.path = path
        self.tenant = tenant
        self.tee = tee
        self.session = session
        self.bundleDigest = bundleDigest
        self.trace = trace
        self.claims = claims
        self.attestation = attestation
    }

    /// A fresh id: a UUID version 7 (RFC 9562 section 5.7), so ids sort by time to the millisecond.
    public static func makeID(at time: Date = Date()) -> String {
        let milliseconds = UInt64(max(0, (time.timeIntervalSince1970 * 1000).rounded()))
        var generator = SystemRandomNumberGenerator()
        let random: (UInt64, UInt64) = (generator.next(), generator.next())
        let high = milliseconds << 16 | 0x7000 | random.0 & 0x0fff
        let low = 0x8000_0000_0000_0000 | random.1 >> 2
        return uuidText(high, low)
    }

    private static func uuidText(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 36) { text in
            var at = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    text[at] = UInt8(ascii: "-")
                    at += 1
                }
                let value = UInt8(truncatingIfNeeded: (digit < 16 ? high : low) >> (60 - 4 * UInt64(digit % 16))) & 0xf
                text[at] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
                at += 1
            }
            return at
        }
    }
}

/// Which decisions to list.
public struct DecisionFilter: Sendable, Hashable {
    /// Only this path.
    public var path: String?
    /// Only this tenant.
    public var tenant: String?
    /// Only allowed or only denied ones.
    public var allowed: Bool?
    /// Only decisions with an id before this one (the last of the page before).
    public var before: String?
    /// The most records to return.
    public var limit: Int

    /// A filter; without arguments the latest 100 decisions.
    public init(
        path: String? = nil, tenant: String? = nil, allowed: Bool? = nil, before: String? = nil, limit: Int = 100
    ) {
        self.path = path
        self.tenant = tenant
        self.allowed = allowed
        self.before = before
        self.limit = limit
    }
}
