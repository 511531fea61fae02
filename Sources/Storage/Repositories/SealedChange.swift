/// Changes of policies or reference values: each is one new generation with a new seal, and changes happen one after the
/// other.
struct SealedChange: Sendable {
    private static let attempts = 100

    let database: Database
    let keys: KeyEncryptionKeyRing

    /// Makes a change; nil, and nothing is changed, when `edit` gives nil.
    ///
    /// - Parameters:
    ///   - seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    ///   - edit: Gives the statements for what is stored, and carries the manifest on.
    /// - Throws: `conflict` when the generation is not `seen` any more, `corrupt` when the seal is not good.
    func callAsFunction(
        after seen: Int64?,
        _ edit: (PolicySnapshot, inout PolicyManifest) throws(StorageError) -> [SQLStatement]?
    ) async throws(StorageError) -> Int64? {
        for _ in 0..<Self.attempts {
            let snapshot = try await PolicySnapshot.read(database, keys: keys)
            if let seen, snapshot.generation != seen { throw Self.overtaken }
            guard var manifest = snapshot.manifest else {
                throw .corrupt("the policies cannot be changed before their seal is good again")
            }
            guard let statements = try edit(snapshot, &manifest) else { return nil }
            do throws(StorageError) {
                return try await commit(statements, manifest, after: snapshot.generation)
            } catch {
                // Somebody else was faster; for a change that holds in any case that is no reason to give up.
                guard seen == nil, error.code == .conflict,
                    try await PolicyRepository.generation(in: database) != snapshot.generation
                else { throw error }
            }
        }
        throw Self.overtaken
    }

    /// Runs statements and stores the seal as the generation after `seen`; the generation's row is locked first.
    func commit(
        _ statements: [SQLStatement], _ manifest: PolicyManifest, after seen: Int64
    ) async throws(StorageError) -> Int64 {
        let (next, overflow) = seen.addingReportingOverflow(1)
        guard !overflow else { throw .internal("there are no generations left") }
        let first = [try SQLStatement(Self.bump), try SQLStatement(Self.require, [.int(next)])]
        let seal = try PolicySeal(manifest, generation: next, keys: keys).storing()
        _ = try await database.transaction(first + statements + [seal, try SQLStatement(Self.notify)])
        return next
    }

    private static let overtaken = StorageError.conflict("policies or reference values were changed meanwhile")

    private static let bump = SQL("UPDATE generation SET value = value + 1, changed_at = now()")

    /// Requires that the database is at a generation.
    static let require = SQL(
        """
        SELECT claviger_require(value = $1::bigint, 'policies or reference values were changed meanwhile')
        FROM generation
        """)

    private static let notify = SQL(
        "SELECT pg_notify('\(PolicyRepository.channel)', value::text) FROM generation")
}
