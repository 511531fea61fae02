public import FoundationEssentials

/// One piece of collateral as its publisher served it, not yet believed.
public struct CollateralItem: Sendable, Hashable {
    /// The exact bytes, because signatures are over them: DER, or a JSON document with its signature.
    public let body: [UInt8]
    /// The certificates that came with the body (DER), that of its signer first; empty when the body needs none.
    public let issuerChain: [[UInt8]]

    /// An item of these bytes.
    public init(body: [UInt8], issuerChain: [[UInt8]] = []) {
        self.body = body
        self.issuerChain = issuerChain
    }
}

/// Why a piece of collateral is not to be had.
public struct CollateralError: Error, Sendable, Hashable {
    /// A stable word for programs: `collateral_unknown` when the publisher has none of that name,
    /// `collateral_unavailable` when it may be had later, or why an item was refused.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Who was asked has no such thing, or knows nothing about such things.
    public static func unknown(_ name: CollateralName, _ reason: String) -> CollateralError {
        CollateralError(code: "collateral_unknown", message: "There is no \(name): \(reason)")
    }

    /// Nothing of that name is at hand.
    public static func unavailable(_ name: CollateralName, _ reason: String) -> CollateralError {
        CollateralError(code: "collateral_unavailable", message: "There is no \(name): \(reason)")
    }
}

/// Where verifiers ask for collateral.
///
/// What comes back is not believed: who asks verifies the signature and the dates.
public protocol CollateralSource: Sendable {
    /// The item of this name. Throws ``CollateralError`` when there is none.
    func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem

    /// The highest number that an issue of this name ever had (``CollateralValidity/sequence``), as far as the source
    /// remembers: verifiers refuse lower ones. `nil` when it remembers none.
    func highestSequence(of name: CollateralName) -> UInt64?
}

extension CollateralSource {
    /// Nothing is remembered.
    public func highestSequence(of name: CollateralName) -> UInt64? { nil }
}

/// Collateral that is all at hand, for files, tests and sites without a network.
public struct FixedCollateral: CollateralSource {
    private let items: [CollateralName: CollateralItem]

    /// A source of these items and nothing else.
    public init(_ items: [CollateralName: CollateralItem] = [:]) {
        self.items = items
    }

    /// The item of this name. Throws `collateral_unavailable` for every other name.
    public func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem {
        guard let item = items[name] else { throw .unavailable(name, "it was not handed in.") }
        return item
    }
}

/// What an item of collateral says of itself once its signature was verified.
public struct CollateralValidity: Sendable, Hashable {
    /// When it was issued.
    public let issued: Date
    /// When its successor is due; `nil` when it does not say, as certificates do not.
    public let nextUpdate: Date?
    /// A number that never goes back from one issue to the next (evaluation number, CRL number), where it has one.
    public let sequence: UInt64?

    /// A validity of these dates and this number.
    public init(issued: Date, nextUpdate: Date?, sequence: UInt64?) {
        self.issued = issued
        self.nextUpdate = nextUpdate
        self.sequence = sequence
    }
}

/// Judges items before they are kept, so that a cache never holds what a verifier would refuse.
public protocol CollateralInspector: Sendable {
    /// Verifies the signature and form of an item of this name, whether or not it is current.
    ///
    /// Throws ``CollateralError`` for an item that no verifier would believe, and with code `collateral_unknown` for a
    /// name that this inspector does not know: another one may know it.
    func inspect(_ item: CollateralItem, named name: CollateralName) throws(CollateralError) -> CollateralValidity
}
