import Crypto
public import FoundationEssentials

/// What is known of a piece of collateral without its content.
public struct CollateralSummary: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// SHA-256 over the content.
    public let digest: [UInt8]
    /// Where it was had from, for people.
    public let source: String
    /// When it was had, by the clock of the broker that had it.
    public let fetchedAt: Date
    /// When it was issued, as it says itself.
    public let issuedAt: Date
    /// When its successor is due; nil for what is issued once and for all.
    public let nextUpdate: Date?
    /// The number that never goes back from one issue to the next, where it has one.
    public let sequence: UInt64?

    /// How far this name has come with it; nil for what is issued once and for all.
    public var mark: CollateralMark? {
        CollateralMark(issued: issuedAt, nextUpdate: nextUpdate, sequence: sequence)
    }
}

/// A piece of collateral as a row.
public struct StoredCollateral: Sendable, Hashable {
    /// Everything but the content.
    public let summary: CollateralSummary
    /// The content; the store does not look into it.
    public let content: [UInt8]

    /// A row from its parts; times are kept in microseconds.
    public init(
        name: String, content: [UInt8], source: String, fetchedAt: Date, issuedAt: Date, nextUpdate: Date?,
        sequence: UInt64?
    ) {
        self.content = content
        summary = CollateralSummary(
            name: name, digest: Array(SHA256.hash(data: content)), source: source, fetchedAt: fetchedAt,
            issuedAt: issuedAt, nextUpdate: nextUpdate, sequence: sequence)
    }

    init(summary: CollateralSummary, content: [UInt8]) {
        self.summary = summary
        self.content = content
    }
}

/// How far the issues of a name have come.
public struct CollateralMark: Sendable, Hashable {
    /// The highest number so far; nil for names whose issues have none.
    public let sequence: UInt64?
    /// When the newest issue was issued.
    public let issuedAt: Date

    /// A mark from its parts.
    public init(sequence: UInt64?, issuedAt: Date) {
        self.sequence = sequence
        self.issuedAt = issuedAt
    }

    /// The mark of an issue; nil when it is issued once and for all, so that nothing can be older or newer.
    public init?(issued: Date, nextUpdate: Date?, sequence: UInt64?) {
        guard nextUpdate != nil || sequence != nil else { return nil }
        self.init(sequence: sequence, issuedAt: issued)
    }

    /// Whether an issue like this lies behind `other`: it has a lower number or, with the same number, an earlier date. An
    /// issue without a number lies behind every one with a number.
    public func isBehind(_ other: CollateralMark) -> Bool {
        switch (sequence, other.sequence) {
        case (nil, _?): true
        case (_?, nil): false
        case (let mine?, let others?) where mine != others: mine < others
        default: microseconds < other.microseconds
        }
    }

    /// The date as the database keeps it, so that a date is never before itself after a way through the database.
    var microseconds: Int64 { PostgresTime.microseconds(issuedAt) ?? .min }
}

/// What became of a piece of collateral that was to be stored.
public enum CollateralStoring: Sendable, Hashable {
    /// It is stored, in place of so many others that are issued once and for all.
    case stored(evicted: Int)
    /// It lies behind what was stored of its name before, and is not stored.
    case behind(CollateralMark)
    /// There are as many pieces as there may be, none of them can be given up, and it is not stored.
    case full
}

/// How much room there is for pieces that are issued once and for all.
public struct CollateralRoom: Sendable, Hashable {
    /// The most pieces.
    public let limit: Int
    /// Names of pieces that are in use and not given up for new ones.
    public let sparedNames: [String]
    /// What the sources begin with whose pieces are not given up.
    public let sparedSources: String

    /// Room for `limit` pieces.
    public init(limit: Int, sparedNames: [String] = [], sparedSources: String) {
        self.limit = limit
        self.sparedNames = sparedNames
        self.sparedSources = sparedSources
    }
}
