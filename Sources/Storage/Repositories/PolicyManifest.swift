import Crypto
import Encodings

/// A row that policies are made of.
enum PolicyRow: Hashable {
    case policy(PolicyKey)
    case referenceValue(String)
    case bundle(String)
    /// A bundle that was taken away: no row of the database, only how far it had come.
    case droppedBundle(String)

    /// The name for people.
    var description: String {
        switch self {
        case .policy(let key): key.description
        case .referenceValue(let name): "the reference value \(name)"
        case .bundle(let name): "the bundle \(name)"
        case .droppedBundle(let name): "the dropped bundle \(name)"
        }
    }

    /// Whether the database has a row for it.
    var isStored: Bool { if case .droppedBundle = self { false } else { true } }

    fileprivate var fields: [String] {
        switch self {
        case .policy(let key): ["policy", key.kind, key.namespace ?? "", key.name]
        case .referenceValue(let name): ["reference-value", name]
        case .bundle(let name): ["bundle", name]
        case .droppedBundle(let name): ["dropped-bundle", name]
        }
    }

    fileprivate init?(fields: [String]) {
        switch (fields.first, fields.count) {
        case ("policy", 4): self = .policy(PolicyKey(kind: fields[1], namespace: fields[2], name: fields[3]))
        case ("reference-value", 2): self = .referenceValue(fields[1])
        case ("bundle", 2): self = .bundle(fields[1])
        case ("dropped-bundle", 2): self = .droppedBundle(fields[1])
        default: return nil
        }
    }
}

/// All rows that policies are made of, each with its origin and the digest of its content: what a seal vouches for.
///
/// It is carried on from change to change and never made from the rows, so that a change to one row does not bless what
/// somebody did to another.
struct PolicyManifest: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// What a later change must know whatever the row says by then: a policy's origin, a bundle's serial and digest.
        let label: String
        let digest: String
    }

    var entries: [PolicyRow: Entry] = [:]

    /// The entries as the JSON text that is sealed, in one order.
    var text: String {
        let rows = entries.map { row, entry in row.fields + [entry.label, entry.digest] }
        let sorted = rows.sorted { $0.lexicographicallyPrecedes($1) { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
        return JSONValue.array(sorted.map { .array($0.map { .string($0) }) }).serializedString()
    }

    /// SHA-256 over the text, lowercase hex.
    var digest: String { Hex.encode(Array(SHA256.hash(data: Array(text.utf8)))) }

    init() {}

    /// Reads what ``text`` gave; nil for anything else.
    init?(_ text: String) {
        let limits = JSONLimits(maximumBytes: 64 << 20, maximumDepth: 2)
        guard let rows = (try? JSONValue(parsing: text, limits: limits))?.arrayValue else { return nil }
        for row in rows {
            let fields = (row.arrayValue ?? []).compactMap(\.stringValue)
            guard fields.count > 2, let name = PolicyRow(fields: Array(fields.dropLast(2))) else { return nil }
            entries[name] = Entry(label: fields[fields.count - 2], digest: fields[fields.count - 1])
        }
    }

    mutating func put(_ policy: NewPolicy, origin: String, by author: String) {
        entries[.policy(policy.key)] = Self.entry(policy.key, policy.text, policy.digest, origin, author)
    }

    mutating func put(referenceValue name: String, _ value: String, expires: Int64?, by author: String) {
        entries[.referenceValue(name)] = Self.entry(referenceValue: name, value, expires: expires, author)
    }

    mutating func put(_ bundle: NewPolicyBundle, by author: String) {
        entries[.bundle(bundle.name)] = Self.entry(bundle, author)
        entries[.droppedBundle(bundle.name)] = nil
    }

    /// Takes a bundle away. How far it had come stays: its name may be taken again one day, an older bundle of it not.
    mutating func drop(bundle name: String) {
        guard let entry = entries.removeValue(forKey: .bundle(name)) else { return }
        entries[.droppedBundle(name)] = Entry(label: entry.label, digest: "")
    }

    /// Takes over how far bundles had come that are not here, as `other` remembers it.
    mutating func remember(bundlesOf other: PolicyManifest) {
        for (row, entry) in other.entries {
            switch row {
            case .bundle(let name), .droppedBundle(let name):
                guard entries[.bundle(name)] == nil else { continue }
                entries[.droppedBundle(name)] = Entry(label: entry.label, digest: "")
            case .policy, .referenceValue: continue
            }
        }
    }

    /// The names of the policies of the origins that are meant.
    func policies(where isMeant: (_ origin: String) -> Bool) -> Set<PolicyKey> {
        Set(
            entries.compactMap { row, entry in
                guard case .policy(let key) = row, isMeant(entry.label) else { return nil }
                return key
            })
    }

    /// The highest serial that a bundle of this name ever had, and what it was of.
    func mark(ofBundle name: String) -> BundleMark? {
        (entries[.bundle(name)] ?? entries[.droppedBundle(name)]).flatMap { BundleMark(label: $0.label) }
    }

    /// The marks of all bundles by name, with whether they were taken away.
    var bundleMarks: [String: (mark: BundleMark, isDropped: Bool)] {
        var marks: [String: (mark: BundleMark, isDropped: Bool)] = [:]
        for (row, entry) in entries {
            switch row {
            case .bundle(let name): marks[name] = BundleMark(label: entry.label).map { ($0, false) }
            case .droppedBundle(let name): marks[name] = BundleMark(label: entry.label).map { ($0, true) }
            case .policy, .referenceValue: continue
            }
        }
        return marks
    }
}

/// How far the bundles of a name have come, as the seal remembers it.
public struct BundleMark: Sendable, Hashable {
    /// The highest serial so far.
    public let serial: Int64
    /// The digest of the bundle with this serial.
    public let digest: String
}

extension BundleMark {
    /// Reads the label of a bundle's entry.
    fileprivate init?(label: String) {
        let parts = label.split(separator: " ")
        guard parts.count == 2, let serial = Int64(parts[0]) else { return nil }
        self.init(serial: serial, digest: String(parts[1]))
    }
}

extension PolicyManifest {
    /// The manifest that exactly these rows would have.
    init(
        policies: [StoredPolicy], referenceValues: [StoredReferenceValue], bundles: [StoredPolicyBundle]
    ) {
        for stored in policies {
            entries[.policy(stored.key)] = Self.entry(
                stored.key, stored.text, stored.digest, stored.origin, stored.updatedBy)
        }
        for stored in referenceValues {
            entries[.referenceValue(stored.name)] = Self.entry(
                referenceValue: stored.name, stored.value, expires: stored.expires.flatMap(PostgresTime.microseconds),
                stored.updatedBy)
        }
        for stored in bundles { entries[.bundle(stored.name)] = Self.entry(stored.content, stored.updatedBy) }
    }

    private static func entry(
        _ key: PolicyKey, _ text: String, _ digest: String, _ origin: String, _ author: String
    ) -> Entry {
        let fields = [key.kind, key.namespace ?? "", key.name, text, digest, origin, author]
        return Entry(label: origin, digest: Self.digest("policy", fields.map { Array($0.utf8) }))
    }

    private static func entry(
        referenceValue name: String, _ value: String, expires: Int64?, _ author: String
    ) -> Entry {
        let fields = [
            Array(name.utf8), Array(value.utf8), expires.map { BoundContext.field(Int($0)) } ?? [], Array(author.utf8),
        ]
        return Entry(label: "", digest: Self.digest("reference-value", fields))
    }

    private static func entry(_ bundle: NewPolicyBundle, _ author: String) -> Entry {
        let fields = [
            Array(bundle.name.utf8), BoundContext.field(Int(bundle.serial)), Array(bundle.digest.utf8),
            Array(bundle.text.utf8), Array(author.utf8),
        ]
        return Entry(label: "\(bundle.serial) \(bundle.digest)", digest: Self.digest("bundle", fields))
    }

    private static func digest(_ kind: String, _ fields: [[UInt8]]) -> String {
        Hex.encode(Array(SHA256.hash(data: BoundContext(.policyRow, [Array(kind.utf8)] + fields).bytes)))
    }
}
