/// Policies and reference values of one generation.
public struct PolicySnapshot: Sendable {
    /// The generation.
    public let generation: Int64
    /// All policy documents, ordered by name.
    public let policies: [StoredPolicy]
    /// All reference values, ordered by name; expired ones included.
    public let referenceValues: [StoredReferenceValue]
    /// All signed bundles, ordered by name.
    public let bundles: [StoredPolicyBundle]
    /// What is not as brokers with these key-encryption keys left it, a sentence each. When there is anything, somebody
    /// wrote to the database past the brokers, and nothing of the snapshot may be believed.
    public let violations: [String]

    let seal: PolicySeal?
    /// What the seal vouches for; nil when the seal itself is not good.
    let manifest: PolicyManifest?
    /// What the seal says of the generation that it was made for, be it this one or another; nil when it is lost.
    let remembered: PolicyManifest?

    /// Whether the seal is good, so that a change can be made: what it replaces is then well again.
    public var isSealed: Bool { manifest != nil }
    /// Whether the seal is an earlier one than that of this generation: what came after it is not remembered.
    public var isSealBehind: Bool { seal.map { $0.generation < generation } ?? false }
    /// Names exactly these rows: SHA-256, lowercase hex. For somebody who looked at them to say which ones he saw.
    public var rowDigest: String { rows.digest }

    /// How far the bundles of a name have come; nil when there was none, or the seal is not good.
    public func mark(ofBundle name: String) -> BundleMark? { manifest?.mark(ofBundle: name) }

    var rows: PolicyManifest {
        PolicyManifest(policies: policies, referenceValues: referenceValues, bundles: bundles)
    }

    private init(_ content: Rows, keys: KeyEncryptionKeyRing) {
        generation = content.generation
        policies = content.policies
        referenceValues = content.referenceValues
        bundles = content.bundles
        seal = content.seal
        let rows = PolicyManifest(policies: policies, referenceValues: referenceValues, bundles: bundles)
        if let seal = content.seal {
            let opened = seal.open(keys: keys)
            remembered = opened
            manifest = seal.generation == generation ? opened : nil
            violations =
                if opened == nil {
                    ["The seal over the policies was changed, or made with a key that is not here."]
                } else if seal.generation != generation {
                    ["The seal is that of generation \(seal.generation), and the database says \(generation)."]
                } else {
                    Self.differences(sealed: manifest, found: rows)
                }
        } else if generation == 0 {
            manifest = PolicyManifest()
            // Rows without a seal and a generation are no fresh database: what it had is not known.
            remembered = rows.entries.isEmpty ? manifest : nil
            violations = Self.differences(sealed: manifest, found: rows)
        } else {
            manifest = nil
            remembered = nil
            violations = ["There is no seal over the policies."]
        }
    }

    private static func differences(sealed: PolicyManifest?, found: PolicyManifest) -> [String] {
        let sealed = sealed?.entries ?? [:]
        let changed = found.entries.filter { sealed[$0.key] != nil && sealed[$0.key] != $0.value }.keys
        let added = found.entries.filter { sealed[$0.key] == nil }.keys
        let missing = sealed.filter { $0.key.isStored && found.entries[$0.key] == nil }.keys
        return added.map { "\($0.description) was added past the brokers." }.sorted()
            + changed.map { "\($0.description) was changed past the brokers." }.sorted()
            + missing.map { "\($0.description) was removed past the brokers." }.sorted()
    }

    struct Rows {
        var generation: Int64 = 0
        var policies: [StoredPolicy] = []
        var referenceValues: [StoredReferenceValue] = []
        var bundles: [StoredPolicyBundle] = []
        var seal: PolicySeal?
    }
}

extension PolicySnapshot {
    /// Reads everything from one snapshot of the database in one round trip, and checks the seal.
    static func read(_ database: Database, keys: KeyEncryptionKeyRing) async throws(StorageError) -> PolicySnapshot {
        var content = Rows()
        for row in try await database.read(SQLStatement(everything)) { try content.add(row) }
        return PolicySnapshot(content, keys: keys)
    }

    private static let everything = SQL(
        """
        SELECT 0::bigint, '', '', '', '', '', '', value, changed_at, '', NULL::timestamptz, 0::bigint, NULL::bytea
        FROM generation
        UNION ALL
        (SELECT 1, kind, namespace, name, body, digest, origin, generation, updated_at, updated_by, NULL, 0, NULL
         FROM policies ORDER BY kind, namespace, name)
        UNION ALL
        (SELECT 2, '', '', name, value, '', '', generation, updated_at, updated_by, expires_at, 0, NULL
         FROM reference_values ORDER BY name)
        UNION ALL
        (SELECT 3, '', '', name, body, digest, '', generation, updated_at, updated_by, NULL, serial, NULL
         FROM policy_bundles ORDER BY name)
        UNION ALL
        SELECT 4, '', '', key_id, entries, '', '', generation, now(), '', NULL, 0, mac FROM policy_seal
        """)
}

extension PolicySnapshot.Rows {
    fileprivate mutating func add(_ row: SQLRow) throws(StorageError) {
        switch try row.int(0) {
        case 0: generation = try row.int(7)
        case 1: policies.append(try StoredPolicy(row, at: 1))
        case 2:
            referenceValues.append(
                StoredReferenceValue(
                    name: try row.text(3), value: try row.text(4), expires: try row.optionalDate(10),
                    generation: try row.int(7), updatedAt: try row.date(8), updatedBy: try row.text(9)))
        case 3:
            bundles.append(
                StoredPolicyBundle(
                    content: NewPolicyBundle(
                        name: try row.text(3), serial: try row.int(11), digest: try row.text(5), text: try row.text(4)),
                    generation: try row.int(7), updatedAt: try row.date(8), updatedBy: try row.text(9)))
        default:
            seal = PolicySeal(
                generation: try row.int(7), keyID: try row.text(3), entries: try row.text(4), mac: try row.bytes(12))
        }
    }
}
