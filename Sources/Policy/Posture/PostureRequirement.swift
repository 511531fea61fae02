import Encodings
import RATS

/// What is asked of the state that a guest and its machine are in, whatever kind of TEE it is.
public struct PostureRequirement: Sendable, Hashable {
    /// What must be as the flag says.
    public var flags: Set<PostureFlag> = []
    /// The privilege level (VMPL, 0 to 3) that must have asked for the evidence.
    public var privilegeLevel: Int64?
    /// The oldest platform versions that are accepted, by TEE; a guest of another TEE is denied. Empty means any.
    public var floors: [TEE: TCBFloor] = [:]

    /// The reference values that the floors are compared with.
    public var referenceNames: [String] {
        Set(floors.values.compactMap(\.reference)).sorted()
    }
}

/// A state that evidence of many TEEs states in its own way.
public enum PostureFlag: String, Sendable, Hashable, CaseIterable {
    /// Nobody may debug the guest.
    case debug
    /// Hyper-threading is off.
    case smt
    /// The guest cannot be moved to another machine.
    case migration
    /// The guest runs on one processor socket only.
    case singleSocket

    /// The value that can be required.
    var required: Bool { self == .singleSocket }

    /// What is required, as a sentence without its end.
    var demand: String {
        switch self {
        case .debug: "debugging is off"
        case .smt: "hyper-threading (SMT) is off"
        case .migration: "migration is off"
        case .singleSocket: "the guest is bound to one socket"
        }
    }
}

/// The oldest platform version of one TEE that is accepted.
public struct TCBFloor: Sendable, Hashable {
    /// The least value of each part, by the part's name.
    public var levels: [String: TCBLevel] = [:]
    /// The accepted values of `tcb_status`; `nil` means any.
    public var statuses: [String]?
    /// The security advisories that may apply; `nil` means any.
    public var advisories: [String]?
    /// A reference value that holds further levels.
    public var reference: String?
}

/// The value of one part of a platform version.
public enum TCBLevel: Sendable, Hashable, CustomStringConvertible {
    /// A number that grows.
    case number(Int64)
    /// Bytes that grow one by one; more may follow.
    case bytes([UInt8])

    /// Whether every part of `other` is at least as large.
    func isReached(by other: TCBLevel) -> Bool {
        switch (self, other) {
        case (.number(let least), .number(let found)): found >= least
        case (.bytes(let least), .bytes(let found)):
            found.count >= least.count && zip(least, found).allSatisfy { $0 <= $1 }
        default: false
        }
    }

    /// Decimal, or hexadecimal for bytes.
    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .bytes(let bytes): Hex.encode(bytes)
        }
    }
}
