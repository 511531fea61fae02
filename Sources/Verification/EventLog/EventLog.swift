public import RATS

/// A log of what was measured into registers: by firmware, boot loader and kernel while booting, and by software later.
///
/// The format is the crypto-agile log of the TCG PC Client Platform Firmware Profile 1.06 (section 10.2.2); guests of
/// TDX and CSV have it in their ACPI table CCEL, others get it from their TPM's firmware. A log proves nothing by
/// itself: only ``replayed(to:in:startupLocality:)`` ties its events to registers that hardware signed.
public struct EventLog: Sendable, Hashable {
    /// The greatest size of a log: 1 MiB, the largest buffer that firmware is known to reserve.
    public static let maximumSize = 1_048_576
    /// The greatest number of events. Booting makes some hundred; each becomes a claim that is several times larger than
    /// the smallest event.
    public static let maximumEvents = 4096

    /// The algorithms that the log was declared to be kept in, each with a register bank of its own.
    public let algorithms: [TCGHash]
    /// The events in the order in which they were recorded, without the declaration at the beginning.
    public let events: [Event]

    init(algorithms: [TCGHash], events: [Event]) {
        self.algorithms = algorithms
        self.events = events
    }

    /// Reads a log: from its declaration to the end of `bytes`, or to the eight bytes of zeros or ones with which unused
    /// room begins.
    ///
    /// Throws `unsupported_version` for the older format that knows SHA-1 only, and `malformed_evidence` for a log that
    /// is too large, has more than 4096 events, is cut off, has events without digests, or has digests of unknown algorithms or of one twice.
    public static func parse(_ bytes: [UInt8]) throws(VerificationError) -> EventLog {
        var parser = EventLogParser(bytes)
        return try parser.parse()
    }
}

extension EventLog {
    /// One event.
    public struct Event: Sendable, Hashable {
        /// The register that the event went into: with a TPM the number of the PCR; in a CCEL of TDX 0 is MRTD, 1 to 4
        /// are RTMR 0 to 3.
        public let index: UInt32
        /// What kind of event it is.
        public let type: EventType
        /// Where the log's bytes hold the digests, each behind the two bytes of its algorithm.
        private let digestArea: Range<Int>
        private let dataArea: Range<Int>
        /// The whole log, which all events share.
        private let log: [UInt8]
        /// Of which bank digests are told; `nil` for all.
        private let bank: TCGHash?

        init(
            index: UInt32, type: EventType, digestArea: Range<Int>, dataArea: Range<Int>, log: [UInt8],
            bank: TCGHash? = nil
        ) {
            self.index = index
            self.type = type
            self.digestArea = digestArea
            self.dataArea = dataArea
            self.log = log
            self.bank = bank
        }

        /// The description. Whether the digests cover it depends on the kind of event.
        public var data: [UInt8] { Array(log[dataArea]) }

        /// What was added to the register, at most once for each algorithm.
        public var digests: [Digest] {
            var digests: [Digest] = []
            var position = digestArea.lowerBound
            while position + 2 <= digestArea.upperBound {
                // The parser saw that these are known algorithms and whole digests.
                guard let algorithm = TCGHash(rawValue: UInt16(log[position]) | UInt16(log[position + 1]) << 8) else {
                    break
                }
                position += 2
                if bank == nil || bank == algorithm {
                    digests.append(
                        Digest(algorithm: algorithm, value: Array(log[position..<position + algorithm.digestSize])))
                }
                position += algorithm.digestSize
            }
            return digests
        }

        /// The digest for registers of one bank.
        public func digest(_ algorithm: TCGHash) -> [UInt8]? {
            digests.first { $0.algorithm == algorithm }?.value
        }

        /// Whether a register was extended: informative events are recorded only.
        public var isMeasured: Bool { type != .noAction }

        /// Whether every digest is the hash of the description, so that the description is as good as the register.
        ///
        /// SHA-1 does not count. Informative events are never covered by anything.
        public var digestMatchesEvent: Bool {
            let digests = digests.filter { $0.algorithm != .sha1 }
            let data = data
            return isMeasured && !digests.isEmpty
                && digests.allSatisfy { $0.algorithm.digest(of: data) == $0.value }
        }

        /// The same event with digests of `bank` only.
        func limited(to bank: TCGHash) -> Event {
            Event(index: index, type: type, digestArea: digestArea, dataArea: dataArea, log: log, bank: bank)
        }
    }

    /// What one bank's register was extended with.
    public struct Digest: Sendable, Hashable {
        /// The bank.
        public let algorithm: TCGHash
        /// The digest; as long as the algorithm's.
        public let value: [UInt8]
    }
}
