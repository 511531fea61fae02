public import Encodings
public import FoundationEssentials

/// A list of recorded evidence with what verification must make of it.
public struct EvidenceManifest: Sendable {
    /// The greatest number of entries.
    static let maximumEntries = 10_000

    /// The entries in their order.
    public let entries: [Entry]

    /// Reads a manifest: a JSON array of objects, each with `tee`, `id`, `files`, `expect` and, where they apply,
    /// `reason`, `verify_at` (RFC 3339) and `claims`; other members are left alone.
    ///
    /// Throws `malformed_manifest`.
    public init(parsing bytes: [UInt8]) throws(RecordedEvidenceError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .manifest(error.description)
        }
        guard let items = value.arrayValue, items.count <= Self.maximumEntries else {
            throw .manifest("it is no list of at most \(Self.maximumEntries) entries.")
        }
        var entries: [Entry] = []
        for (index, item) in items.enumerated() {
            guard let entry = Entry(item) else { throw .manifest("entry \(index) lacks a member that it must have.") }
            entries.append(entry)
        }
        self.entries = entries
    }

    /// One piece of recorded evidence.
    public struct Entry: Sendable, Hashable {
        /// The group of the entry: the name of a TEE, or of a kind of input such as `eventlog`.
        public let group: String
        /// The name within the group.
        public let id: String
        /// Files relative to the manifest's folder.
        public let files: [String]
        /// What must come of it.
        public let expectation: Expectation
        /// Why, for people.
        public let reason: String
        /// The time at which to verify; `nil` when nothing in the evidence is dated.
        public let date: Date?
        /// Known facts by the manifest's own names.
        public let claims: JSONObject

        /// Group and name.
        public var name: String { "\(group)/\(id)" }

        /// The entry's file of this name, without its folders.
        func file(_ name: String) -> String? {
            files.first { $0.split(separator: "/").last.map { $0 == name } ?? false }
        }

        init?(_ value: JSONValue) {
            guard let group = value["tee"]?.stringValue, let id = value["id"]?.stringValue,
                let files = value["files"]?.arrayValue?.compactMap(\.stringValue),
                let expectation = value["expect"]?.stringValue.flatMap(Expectation.init(rawValue:))
            else { return nil }
            self.group = group
            self.id = id
            self.files = files
            self.expectation = expectation
            reason = value["reason"]?.stringValue ?? ""
            date = value["verify_at"]?.stringValue.flatMap { try? Date($0, strategy: .iso8601) }
            guard date != nil || value["verify_at"]?.stringValue == nil else { return nil }
            claims = value["claims"]?.objectValue ?? [:]
        }
    }

    /// What verification of an entry must come to.
    public enum Expectation: String, Sendable, Hashable, CaseIterable {
        /// Believed under the settings of a careful broker.
        case accept
        /// Signatures, chain and binding hold; what else is said of it depends on settings and collateral.
        case acceptCrypto = "accept-crypto"
        /// Holds under a root of its own that is not trusted by default.
        case acceptWithOwnRoot = "accept-with-own-root"
        /// Refused.
        case reject
        /// Answers to be computed.
        case knownAnswer = "kat"
        /// Input to read.
        case data
        /// A root to pin.
        case trustAnchor = "trust-anchor"
    }
}

extension JSONValue {
    /// The bytes of a hexadecimal text.
    var hexBytes: [UInt8]? { stringValue.flatMap { try? Hex.decode($0) } }
}
