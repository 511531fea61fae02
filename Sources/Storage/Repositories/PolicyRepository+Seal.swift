extension PolicyRepository {
    /// Seals the policies under the current key-encryption key when they are sealed, and intact, under an older one: after a
    /// rotation the older key can go. Returns whether there was anything to do.
    public func renewSeal() async throws(StorageError) -> Bool {
        let snapshot = try await snapshot()
        guard let seal = snapshot.seal, let manifest = snapshot.manifest, seal.keyID != keys.currentKeyID else {
            return false
        }
        let fresh = try PolicySeal(manifest, generation: snapshot.generation, keys: keys)
        // Somebody who changes the policies at this moment seals them anew anyway.
        return try await database.write(fresh.replacing(seal)).affected == 1
    }

    /// Seals the rows as they are now found, for an operator who looked at them and answers for them: the only way on when
    /// the seal is lost, or after a restored backup was edited by hand.
    ///
    /// - Parameter rowDigest: ``PolicySnapshot/rowDigest`` of what the operator saw.
    /// - Returns: the new generation.
    /// - Throws: `conflict` when the rows are others.
    public func adopt(rowDigest: String) async throws(StorageError) -> Int64 {
        let snapshot = try await snapshot()
        guard snapshot.rowDigest == rowDigest else {
            throw .conflict("the rows are not those that were looked at: they have the digest \(snapshot.rowDigest)")
        }
        return try await SealedChange(database: database, keys: keys)
            .commit([], snapshot.rows, after: snapshot.generation)
    }
}
