import FoundationEssentials

/// The row of a session as it lies in the database. Two that are equal in all their bytes hold the same, so one that was
/// opened before need not be opened again.
public struct SealedSession: Sendable, Hashable {
    let hash: [UInt8]
    let sealed: [UInt8]
    let expires: Date
    let subjects: [String]

    /// Hashes the session's own hash, which is random already.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    /// The size of the encrypted payload, in bytes.
    public var byteCount: Int { sealed.count }
}
