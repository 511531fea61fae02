import Encodings
import Policy
public import RATS

/// What the broker takes from the outside besides its configuration, so that tests can choose it.
public struct BrokerEnvironment: Sendable {
    /// The time of day.
    public var clock: WallClock
    /// Makes the 32 bytes of a challenge's nonce.
    public var nonce: @Sendable () -> [UInt8]
    /// Makes the values that brokered secrets ask for.
    var makeSecret: KeyWorkshop.Maker = { secret throws(BrokerError) in try secret.makeValue() }

    /// The machine's clock and its random numbers, unless others are given.
    public init(
        clock: WallClock = .system,
        nonce: @escaping @Sendable () -> [UInt8] = { SecretBytes.random(count: 32).copyBytes() }
    ) {
        self.clock = clock
        self.nonce = nonce
    }
}
