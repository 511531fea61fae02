/// Policies and reference values of one generation.
public struct PolicySnapshot: Sendable {
    /// The generation.
    public let generation: Int64
    /// All policy documents, ordered by name.
    public let policies: [StoredPolicy]
    /// All reference values, ordered by name; expired ones included.
    public let referenceValues: [StoredReferenceValue]
}

extension PolicyRepository {
    /// Everything that a policy bundle is made of, read from one snapshot in one round trip.
    public func snapshot() async throws(StorageError) -> PolicySnapshot {
        var generation: Int64 = 0
        var policies: [StoredPolicy] = []
        var referenceValues: [StoredReferenceValue] = []
        for row in try await database.read(SQLStatement(Self.everything)) {
            switch try row.int(0) {
            case 0: generation = try row.int(7)
            case 1: policies.append(try StoredPolicy(row, at: 1))
            default:
                referenceValues.append(
                    StoredReferenceValue(
                        name: try row.text(3), value: try row.text(4), expires: try row.optionalDate(10),
                        generation: try row.int(7), updatedAt: try row.date(8), updatedBy: try row.text(9)))
            }
        }
        return PolicySnapshot(generation: generation, policies: policies, referenceValues: referenceValues)
    }

    private static let everything = SQL(
        """
        SELECT 0::bigint, '', '', '', '', '', '', value, changed_at, '', NULL::timestamptz FROM generation
        UNION ALL
        (SELECT 1, kind, namespace, name, body, digest, origin, generation, updated_at, updated_by, NULL FROM policies
         ORDER BY kind, namespace, name)
        UNION ALL
        (SELECT 2, '', '', name, value, '', '', generation, updated_at, updated_by, expires_at FROM reference_values
         ORDER BY name)
        """)
}
