import FoundationEssentials
import Policy
import Storage

/// A look at the stored policies by the operator of a broker, who has its configuration and its keys.
///
/// When somebody wrote to the database past the brokers, they decide nothing until an administrator mends the rows or, where
/// that is not possible, the operator vouches for all of them.
public struct PolicyInspection: Sendable {
    /// The generation.
    public let generation: Int64
    /// What is not as the brokers left it, a sentence each.
    public let violations: [String]
    /// Names exactly the rows that are there: SHA-256, lowercase hex.
    public let rowDigest: String
    /// A line for each row: its kind and name, its digest, its origin and who wrote it last.
    public let rows: [String]

    /// Reads what is stored. Throws ``ConfigurationError`` or ``BrokerError`` when the database or the keys cannot be used.
    public init(_ configuration: BrokerConfiguration) async throws {
        self.init(try await Self.repository(configuration).snapshot())
    }

    /// Seals the rows as they are, if they are those with this digest; returns the new generation.
    ///
    /// Throws as ``init(_:)`` does, and ``BrokerError`` of kind `conflict` when the rows are others.
    public static func adopt(rowDigest: String, _ configuration: BrokerConfiguration) async throws -> Int64 {
        let repository = try await repository(configuration)
        return try await storing { () async throws(StorageError) in try await repository.adopt(rowDigest: rowDigest) }
    }

    init(_ snapshot: PolicySnapshot) {
        generation = snapshot.generation
        violations = snapshot.violations
        rowDigest = snapshot.rowDigest
        rows =
            snapshot.bundles.map { "PolicyBundle/\($0.name) serial \($0.content.serial) by \($0.updatedBy)" }
            + snapshot.policies.map { "\($0.key) \($0.digest) from \($0.origin) by \($0.updatedBy)" }
            + snapshot.referenceValues.map { "reference value \($0.name) = \($0.value) by \($0.updatedBy)" }
    }

    private static func repository(_ configuration: BrokerConfiguration) async throws -> PolicyRepository {
        let (database, keyRing) = try await Broker.connect(configuration)
        try await storing { () async throws(StorageError) in try await Migrations.migrate(database) }
        return PolicyRepository(database, keys: keyRing)
    }
}
