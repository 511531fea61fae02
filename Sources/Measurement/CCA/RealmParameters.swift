/// The hash algorithms of a realm's measurements.
public enum RealmHash: String, Sendable, Hashable, CaseIterable {
    /// SHA-256.
    case sha256
    /// SHA-512.
    case sha512

    /// The algorithm's number in the realm's parameters.
    var number: UInt8 { self == .sha256 ? 0 : 1 }

    var register: RegisterHash { self == .sha256 ? .sha256 : .sha512 }
}

/// What a host asks for when it creates a realm, as far as it is measured (Realm Management Monitor specification,
/// RmiRealmParams).
public struct RealmParameters: Sendable, Hashable {
    /// The hash algorithm of the measurements.
    public var algorithm: RealmHash
    /// Flags: LPA2, SVE, PMU from bit 0 on.
    public var flags: UInt64
    /// The width of intermediate physical addresses in bits.
    public var addressWidth: UInt8
    /// The length of SVE vectors, as RMM encodes it.
    public var vectorLength: UInt8
    /// The number of breakpoints, less one.
    public var breakpoints: UInt8
    /// The number of watchpoints, less one.
    public var watchpoints: UInt8
    /// The number of counters for performance.
    public var counters: UInt8

    /// Parameters of a realm.
    public init(
        algorithm: RealmHash, flags: UInt64 = 0, addressWidth: UInt8, vectorLength: UInt8 = 0, breakpoints: UInt8 = 0,
        watchpoints: UInt8 = 0, counters: UInt8 = 0
    ) {
        self.algorithm = algorithm
        self.flags = flags
        self.addressWidth = addressWidth
        self.vectorLength = vectorLength
        self.breakpoints = breakpoints
        self.watchpoints = watchpoints
        self.counters = counters
    }

    /// The measured page.
    var page: [UInt8] {
        var page = flags.littleEndianBytes.padded(to: RealmMeasurement.granuleSize)
        let fields = [
            (0x08, addressWidth), (0x10, vectorLength), (0x18, breakpoints), (0x20, watchpoints), (0x28, counters),
            (0x30, algorithm.number),
        ]
        for (offset, value) in fields { page[offset] = value }
        return page
    }
}

/// A virtual processor of a realm as the host creates it, as far as it is measured (RmiRecParams).
public struct RealmProcessor: Sendable, Hashable {
    /// How many general registers a host sets.
    public static let maximumRegisters = 8

    /// Where it begins.
    public var instruction: UInt64
    /// General registers from x0 on; those that are not given are zero.
    public var registers: [UInt64]
    /// Flags: bit 0 says that the processor can run from the start.
    public var flags: UInt64

    /// A processor. Throws `invalid_input` for more than eight registers.
    public init(instruction: UInt64, registers: [UInt64] = [], flags: UInt64 = 1) throws(MeasurementError) {
        guard registers.count <= Self.maximumRegisters else {
            throw MeasurementError(.invalidInput, "A host sets at most eight registers of a processor.")
        }
        self.instruction = instruction
        self.registers = registers
        self.flags = flags
    }

    /// The measured page.
    var page: [UInt8] {
        var page = flags.littleEndianBytes.padded(to: 0x200) + instruction.littleEndianBytes
        page = page.padded(to: 0x300) + registers.flatMap(\.littleEndianBytes)
        return page.padded(to: RealmMeasurement.granuleSize)
    }
}
