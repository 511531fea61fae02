import Encodings
public import FoundationEssentials
public import RATS
import Storage

/// An item of collateral that was inspected, with what is known about it.
public struct CollateralEntry: Sendable, Hashable {
    /// Its name.
    public let name: CollateralName
    /// The item.
    public let item: CollateralItem
    /// What it says of itself.
    public let validity: CollateralValidity
    /// Where it was had from.
    public let source: String
    /// When it was had.
    public let fetchedAt: Date

    init(name: CollateralName, item: CollateralItem, validity: CollateralValidity, source: String, fetchedAt: Date) {
        self.name = name
        self.item = item
        self.validity = validity
        self.source = source
        self.fetchedAt = fetchedAt
    }

    /// How far its name has come with it; nil for what is issued once and for all.
    var mark: CollateralMark? {
        CollateralMark(issued: validity.issued, nextUpdate: validity.nextUpdate, sequence: validity.sequence)
    }

    /// What the item takes in memory, in bytes.
    var size: Int { item.issuerChain.reduce(item.body.count) { $0 + $1.count } }
}

extension CollateralEntry {
    /// The entry as a row.
    var stored: StoredCollateral {
        StoredCollateral(
            name: name.path, content: item.content, source: source, fetchedAt: fetchedAt, issuedAt: validity.issued,
            nextUpdate: validity.nextUpdate, sequence: validity.sequence)
    }

    /// The entry of a row; nil when the row's name or content is none.
    init?(_ stored: StoredCollateral) {
        guard let name = CollateralName(stored.summary.name), let item = CollateralItem(content: stored.content) else {
            return nil
        }
        let summary = stored.summary
        self.init(
            name: name, item: item,
            validity: CollateralValidity(
                issued: summary.issuedAt, nextUpdate: summary.nextUpdate, sequence: summary.sequence),
            source: summary.source, fetchedAt: summary.fetchedAt)
    }
}

extension CollateralItem {
    /// Body and certificates one after the other, each behind its length (4 bytes, big-endian).
    var content: [UInt8] {
        var bytes: [UInt8] = []
        for part in [body] + issuerChain {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: part.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes += part
        }
        return bytes
    }

    /// Reads what ``content`` gave; nil for anything else.
    init?(content: [UInt8]) {
        var reader = ByteReader(content)
        var parts: [[UInt8]] = []
        while !reader.isAtEnd, parts.count <= CollateralLimits.certificates {
            guard let count = try? reader.u32BE(), let part = try? reader.bytes(Int(count)) else { return nil }
            parts.append(part)
        }
        guard let body = parts.first, reader.isAtEnd else { return nil }
        self.init(body: body, issuerChain: Array(parts.dropFirst()))
    }
}
