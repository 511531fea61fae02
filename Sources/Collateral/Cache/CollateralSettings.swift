/// How a cache of collateral behaves.
public struct CollateralSettings: Sendable, Hashable {
    /// Whether origins on the network are asked at all.
    public var network = true
    /// How long after its next update was due an item is still handed out without asking for a newer one first. Verifiers
    /// judge its dates by themselves.
    public var grace: Duration = .zero
    /// After this time an item that has successors is asked for again, even when half of its life is not over: revocations
    /// must not wait for half a year.
    public var refreshAfter: Duration = .seconds(86_400)
    /// How long before its next update is due an item that could not be renewed is warned of.
    public var warnBefore: Duration = .seconds(7 * 86_400)
    /// Time for one exchange with an origin.
    public var timeout: Duration = .seconds(20)
    /// The most items of the kind that is issued once and for all, such as certificates of chips.
    public var maximumItems = 100_000
    /// The most items that are kept in memory.
    public var memoryItems = 2_048
    /// How often the store is looked through for what must be renewed.
    public var checkInterval: Duration = .seconds(60)

    /// The defaults.
    public init() {}

    /// How long a name that an origin does not know is not asked for again.
    static let unknownPause: Double = 3_600
    /// How long an origin that asks for patience, without saying how much, is left alone at first.
    static let throttledPause: Double = 60
    /// How long an origin that does not answer is left alone at first.
    static let unavailablePause: Double = 5
    /// How long a name whose item was refused is not asked for again at first.
    static let refusedPause: Double = 60
    /// The longest time that an origin or a name is left alone without the origin having said so.
    static let longestPause: Double = 900
    /// The longest time that an origin may ask for.
    static let longestRequestedPause: Double = 86_400
    /// The shortest time between two renewals of an item, in seconds.
    static let shortestRenewal: Double = 600
    /// By how much the clocks of replicas may differ, in seconds.
    static let clockTolerance: Double = 60
    /// Exchanges with origins at a time, for each kind of collateral. Each holds a connection to the database.
    static let exchangesOfKind = 2
    /// Names that origins are asked for at a time, for each kind of collateral: guests can name chips without end, and
    /// must not keep others from revocation lists or from another manufacturer's collateral.
    static let flightsOfKind = 64
    /// Names that wait to be renewed behind the scenes.
    static let waitingRenewals = 256
}

extension Duration {
    /// This length in seconds, with fractions.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
