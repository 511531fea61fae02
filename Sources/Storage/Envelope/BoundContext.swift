/// The names that a key or a ciphertext belongs to, as bytes that only these names give.
///
/// Every field stands behind its length, and the number of fields stands first, so no choice of one field can imitate
/// another list of fields: a workload's name never reads like an internal purpose.
struct BoundContext: Sendable, Hashable {
    let bytes: [UInt8]

    init(_ purpose: KeyPurpose, _ fields: [[UInt8]]) {
        var bytes = Array("claviger/1".utf8)
        Self.append(UInt64(fields.count), to: &bytes)
        for field in [Array(purpose.name.utf8)] + fields {
            Self.append(UInt64(field.count), to: &bytes)
            bytes += field
        }
        self.bytes = bytes
    }

    static func field(_ number: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt64(bitPattern: Int64(number)), to: &bytes)
        return bytes
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// What a key is for. Keys of different purposes are independent of each other.
public struct KeyPurpose: Sendable, Hashable {
    /// The purpose's name.
    public let name: String

    /// A purpose of the caller's own; the built-in ones start with `claviger.storage`.
    public init(_ name: String) { self.name = name }

    /// Wraps the data keys of resource versions.
    static let resourceKey = KeyPurpose("claviger.storage resource key")
    /// The additional data of resource values under their data keys.
    static let resourceValue = KeyPurpose("claviger.storage resource value")
    /// Seals session rows.
    static let session = KeyPurpose("claviger.storage session")
    /// Seals the broker's private signing keys.
    static let signingKey = KeyPurpose("claviger.storage signing key")
    /// Authenticates approvals.
    static let approval = KeyPurpose("claviger.storage approval")
    /// Authenticates the policies and reference values as a whole.
    static let policySeal = KeyPurpose("claviger.storage policy seal")
    /// Sets the digests of policy rows apart from other digests.
    static let policyRow = KeyPurpose("claviger.storage policy row")
    /// Authenticates rows of collateral.
    static let collateral = KeyPurpose("claviger.storage collateral")
    /// Authenticates how far collateral has come.
    static let collateralMarks = KeyPurpose("claviger.storage collateral marks")
    /// Authenticates what is remembered of machines.
    static let platform = KeyPurpose("claviger.storage platform")
    /// Seals what is remembered of brokered secrets.
    static let brokeredSecret = KeyPurpose("claviger.storage brokered secret")
    /// Seals the challenge cookie.
    public static let challengeCookie = KeyPurpose("claviger challenge cookie")
    /// Authenticates the session cookie.
    public static let sessionCookie = KeyPurpose("claviger session cookie")
}
