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

    /// Seals rows for an operator who looked at them and answers for them: the only way on when the seal is lost, or after a
    /// restored backup was edited by hand.
    ///
    /// What is sealed is what `seen` holds and not what the database holds by now, so a row that is changed in between is
    /// found to be changed afterwards. The store does not look into the rows; see that they are what they say before.
    ///
    /// - Parameter allowingOlderBundles: Adopts bundles also when ``PolicySnapshot/bundleSetbacks`` names some.
    /// - Returns: the new generation.
    /// - Throws: `conflict` for bundles that went back, and when the brokers have changed something since `seen`.
    public func adopt(_ seen: PolicySnapshot, allowingOlderBundles: Bool) async throws(StorageError) -> Int64 {
        guard allowingOlderBundles || seen.bundleSetbacks.isEmpty else {
            throw .conflict(seen.bundleSetbacks.joined(separator: " "))
        }
        var manifest = seen.rows
        if let remembered = seen.remembered { manifest.remember(bundlesOf: remembered) }
        return try await SealedChange(database: database, keys: keys).commit([], manifest, after: seen.generation)
    }
}

extension PolicySnapshot {
    /// How the bundles that are there are behind what the seal remembers of them, a sentence each.
    ///
    /// A seal of a later generation than this still remembers. One that is lost remembers nothing, and one of an earlier
    /// generation, which somebody put back with its rows, nothing of what came after it: then of each bundle nobody knows
    /// whether it is the newest.
    public var bundleSetbacks: [String] {
        guard let remembered else {
            guard !bundles.isEmpty else { return ["The seal is lost: it may be that signed bundles are gone."] }
            return bundles.map {
                "The seal is lost: it may be that the bundle \($0.name) is not the newest of its name."
            }
        }
        let found = Dictionary(bundles.map { ($0.name, $0.content) }) { first, _ in first }
        let marks = remembered.bundleMarks
        let behind = isSealBehind && !(marks.isEmpty && bundles.isEmpty) ? [sealIsBehind] : []
        return behind
            + marks.sorted { $0.key < $1.key }.compactMap { name, known in
                let mark = known.mark
                guard let bundle = found[name] else {
                    return known.isDropped ? nil : "The bundle \(name) is gone; it had the serial \(mark.serial)."
                }
                if bundle.serial < mark.serial {
                    return "The bundle \(name) has the serial \(bundle.serial); it had \(mark.serial)."
                }
                guard bundle.serial == mark.serial, bundle.digest != mark.digest else { return nil }
                return "The bundle \(name) has the serial \(mark.serial) and another content than it had."
            }
    }

    /// What to say of a seal of an earlier generation.
    public var sealIsBehind: String {
        "The seal is that of generation \(seal?.generation ?? 0), and the database has come to \(generation): it may be that "
            + "signed bundles of then are newer, or gone."
    }
}
