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
    /// What holds something else than its row says, a sentence each: such rows are not adopted.
    public let mismatches: [String]
    /// Signed bundles that are older than the seal remembers, gone, or of which it is not known, a sentence each.
    public let bundleSetbacks: [String]
    /// Names exactly the rows that are there: SHA-256, lowercase hex.
    public let rowDigest: String
    /// A line for each row: its kind and name, the digest of what it holds, its origin and who wrote it last.
    public let rows: [String]

    /// Reads what is stored. Throws ``ConfigurationError`` or ``BrokerError`` when the database or the keys cannot be used.
    public init(_ configuration: BrokerConfiguration) async throws {
        let signatures = try PolicySignatures(configuration.policies.signatures)
        self.init(try await Self.repository(configuration).snapshot(), signatures)
    }

    /// Seals the rows as they are, if they are those with this digest; returns the new generation.
    ///
    /// - Parameter allowingOlderBundles: Adopts them also with ``bundleSetbacks``.
    /// - Throws: as ``init(_:)`` does, and ``BrokerError`` of kind `conflict`: the rows are others, or have ``mismatches``
    ///   (code `rows_inconsistent`) or ``bundleSetbacks`` (code `bundles_older`).
    public static func adopt(
        rowDigest: String, allowingOlderBundles: Bool = false, _ configuration: BrokerConfiguration
    ) async throws -> Int64 {
        let signatures = try PolicySignatures(configuration.policies.signatures)
        let repository = try await repository(configuration)
        // What is looked at here is what is sealed, whatever the database says by then.
        let snapshot = try await storing { () async throws(StorageError) in try await repository.snapshot() }
        let inspection = PolicyInspection(snapshot, signatures)
        guard inspection.rowDigest == rowDigest else {
            throw refused(
                "conflict",
                "the rows are not those that were looked at: they have the digest \(inspection.rowDigest)")
        }
        guard inspection.mismatches.isEmpty else {
            throw refused("rows_inconsistent", inspection.mismatches.joined(separator: " "))
        }
        guard allowingOlderBundles || inspection.bundleSetbacks.isEmpty else {
            throw refused("bundles_older", inspection.bundleSetbacks.joined(separator: " "))
        }
        return try await storing { () async throws(StorageError) in
            try await repository.adopt(snapshot, allowingOlderBundles: allowingOlderBundles)
        }
    }

    private static func refused(_ code: String, _ message: String) -> BrokerError {
        BrokerError(
            kind: .conflict, variant: "PolicySeal", code: code,
            message: "Nothing is adopted (code: \(code)): \(message)")
    }

    init(_ snapshot: PolicySnapshot, _ signatures: PolicySignatures) {
        generation = snapshot.generation
        violations = snapshot.violations
        // Where bundles are taken, a seal from before the first of them is a step back like any other.
        let isBehind = snapshot.bundleSetbacks.isEmpty && snapshot.isSealBehind && signatures.trustsKeys
        bundleSetbacks = snapshot.bundleSetbacks + (isBehind ? [snapshot.sealIsBehind] : [])
        rowDigest = snapshot.rowDigest
        let signed = SignedDocuments(snapshot.bundles, signatures)
        let lines =
            snapshot.bundles.map { InspectedRow($0, signed) } + snapshot.policies.map { InspectedRow($0, signed) }
        mismatches = lines.compactMap(\.mismatch)
        rows =
            lines.map(\.line)
            + snapshot.referenceValues.map { value in
                "reference value \(value.name) = \(value.value) "
                    + (value.expires.map { "until \($0.rfc3339)" } ?? "without end") + " by \(value.updatedBy)"
            }
    }

    private static func repository(_ configuration: BrokerConfiguration) async throws -> PolicyRepository {
        let (database, keyRing) = try await Broker.connect(configuration)
        try await storing { () async throws(StorageError) in try await Migrations.migrate(database) }
        return PolicyRepository(database, keys: keyRing)
    }
}

/// What the stored bundles hold whose signatures are good.
private struct SignedDocuments {
    /// The documents by the origin that their rows say.
    private(set) var byOrigin: [String: Set<NewPolicy>] = [:]
    /// What is wrong with the others, by name.
    private(set) var failures: [String: String] = [:]

    init(_ bundles: [StoredPolicyBundle], _ signatures: PolicySignatures) {
        for stored in bundles {
            do throws(PolicyLoadFailure) {
                // A bundle of a name that is not taken any more is honest, and goes with the next one.
                let verified = try VerifiedBundle(stored, signatures, anyName: true)
                byOrigin[NewPolicyBundle.origin(stored.name)] = Set(verified.documents.map(\.newPolicy))
            } catch {
                failures[stored.name] = error.details
            }
        }
    }
}

/// A row as it is shown to an operator: told from what it holds, never from what stands beside that.
private struct InspectedRow {
    let line: String
    let mismatch: String?

    init(_ stored: StoredPolicy, _ signed: SignedDocuments) {
        let name = stored.key.description
        let source = "from \(stored.origin) by \(stored.updatedBy)"
        do throws(PolicyLoadFailure) {
            line = "\(name) \(try stored.document().digest) \(source)"
            let isHonest =
                !NewPolicyBundle.isOrigin(stored.origin)
                || signed.byOrigin[stored.origin]?.contains(stored.content) == true
            mismatch = isHonest ? nil : "\(name) is said to be from \(stored.origin), which does not hold it."
        } catch {
            line = "\(name) holds something else \(source)"
            mismatch = error.details
        }
    }

    init(_ stored: StoredPolicyBundle, _ signed: SignedDocuments) {
        let name = "PolicyBundle/\(stored.name)"
        do throws(PolicyBundleError) {
            let content = try SignedPolicyBundle(parsing: Array(stored.content.text.utf8)).content
            line = "\(name) serial \(content.serial) \(content.digest) by \(stored.updatedBy)"
            let isSame =
                content.name == stored.name && content.serial == stored.content.serial
                && content.digest == stored.content.digest
            mismatch =
                isSame
                ? signed.failures[stored.name].map { "PolicyBundle/\($0)" }
                : "\(name) holds \(content.name) with serial \(content.serial), digest \(content.digest)."
        } catch {
            line = "\(name) holds no bundle, by \(stored.updatedBy)"
            mismatch = "\(name): \(error.message)"
        }
    }
}
