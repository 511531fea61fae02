import Encodings
public import RATS

/// The certificates that a host hands to its guests beside a report (GHCB specification, extended guest request): a list
/// of entries (GUID, offset, length) that ends with one of zeros, and the certificates behind it.
public struct SNPCertificateTable: Sendable, Hashable {
    /// What an entry holds. Roots, intermediates and lists that a host hands out count for nothing.
    public enum Kind: String, Sendable, CaseIterable, Hashable {
        /// AMD's root.
        case ark = "c0b406a4-a803-4952-9743-3fb6014cd0ae"
        /// AMD's intermediate.
        case ask = "4ab7b379-bbac-4fe4-a02f-05aef327c782"
        /// The certificate of the chip's key.
        case vcek = "63da758d-e664-4564-adc5-f4b93be8accd"
        /// The certificate of a provider's key.
        case vlek = "a8074bc2-a25a-483e-aae6-39c045a0b8a1"
        /// A revocation list.
        case revocationList = "92f81bc3-5811-4d3d-97ff-d19f88dc67ea"
    }

    /// The greatest table, in bytes: hosts have four pages for it.
    static let maximumByteCount = 65_536
    /// The most entries that a table may have.
    static let maximumEntries = 16
    /// The size of an entry.
    static let entryByteCount = 24

    /// The certificates (DER) of the keys that sign reports, by their kind.
    public let endorsementKeys: [SNPEndorsementKeyKind: [UInt8]]

    /// Reads a table; bytes that no entry refers to are padding.
    ///
    /// Throws `malformed_evidence` when an entry lies outside of the bytes or over the list, when a kind occurs twice,
    /// when there are more than 16 entries, and when the table has more than 64 KiB or a key's certificate more than 8.
    public init(parsing bytes: [UInt8]) throws(VerificationError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw .malformed("The table of certificates has more than \(Self.maximumByteCount) bytes.")
        }
        var entries: [(guid: [UInt8], offset: Int, count: Int)] = []
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            while true {
                let guid = try reader.bytes(16)
                let offset = Int(try reader.u32LE())
                let count = Int(try reader.u32LE())
                if guid.allSatisfy({ $0 == 0 }) { break }
                entries.append((guid, offset, count))
                guard entries.count <= Self.maximumEntries else { break }
            }
        } catch {
            throw .malformed("The table of certificates ends too early.")
        }
        guard entries.count <= Self.maximumEntries else {
            throw .malformed("The table of certificates has more than \(Self.maximumEntries) entries.")
        }
        var seen: Set<Kind> = []
        var keys: [SNPEndorsementKeyKind: [UInt8]] = [:]
        for entry in entries {
            guard entry.offset >= reader.position, entry.offset <= bytes.count,
                entry.count <= bytes.count - entry.offset
            else { throw .malformed("A certificate lies outside of the table that lists it.") }
            guard let kind = Kind(guid: entry.guid) else { continue }
            guard seen.insert(kind).inserted else { throw .malformed("The table lists two certificates of one kind.") }
            guard let keyKind = kind.endorsementKey else { continue }
            guard entry.count <= SNPEvidence.maximumCertificateBytes else {
                throw .malformed("A certificate of the table is too large.")
            }
            keys[keyKind] = Array(bytes[entry.offset..<entry.offset + entry.count])
        }
        endorsementKeys = keys
    }
}

extension SNPCertificateTable.Kind {
    /// The kind of the key whose certificate such an entry holds, if it signs reports.
    var endorsementKey: SNPEndorsementKeyKind? {
        switch self {
        case .vcek: .vcek
        case .vlek: .vlek
        case .ark, .ask, .revocationList: nil
        }
    }

    /// The kind of these bytes of a GUID, whose first three groups are least significant byte first.
    init?(guid bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        let groups = [bytes[0..<4].reversed(), bytes[4..<6].reversed(), bytes[6..<8].reversed()].map { Hex.encode($0) }
        self.init(rawValue: (groups + [Hex.encode(bytes[8..<10]), Hex.encode(bytes[10...])]).joined(separator: "-"))
    }
}
