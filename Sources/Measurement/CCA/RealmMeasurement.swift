/// The realm initial measurement (RIM) of Arm CCA: it grows with every call by which the host builds the realm, in their
/// order (Realm Management Monitor specification 1.0, section A7.1).
public struct RealmMeasurement: Sendable, Hashable {
    /// The unit of memory in bytes.
    public static let granuleSize = 4096
    /// The size of all measurements' fields in bytes.
    private static let fieldSize = 64
    private static let descriptorSize = 256

    private enum Descriptor: UInt64 {
        case data = 0
        case processor = 1
        case memoryState = 2
    }

    private let algorithm: RegisterHash
    private var digest: [UInt8]

    /// The measurement of a new realm.
    public init(_ parameters: RealmParameters) {
        algorithm = parameters.algorithm.register
        digest = algorithm.digest(of: parameters.page)
    }

    /// The measurement, as long as its algorithm's digests; a realm's token has it like this.
    public var value: [UInt8] { digest }

    /// Adds an image that the host copies into the realm, granule by granule; the last one is filled with zeros.
    ///
    /// - Parameters:
    ///   - address: where in the realm it begins.
    ///   - isMeasured: whether the content counts, beside the address.
    /// - Throws: `invalid_input` for an address that is not that of a granule, or memory behind the last address.
    public mutating func load(
        _ image: some Artifact, at address: UInt64, isMeasured: Bool = true
    ) throws(MeasurementError) {
        try Self.requireGranules(address, UInt64(image.size))
        let piece = 64 * Self.granuleSize
        for start in stride(from: 0, to: image.size, by: piece) {
            let bytes = try image.bytes(in: start..<min(image.size, start + piece))
            for offset in stride(from: 0, to: bytes.count, by: Self.granuleSize) {
                let granule = Array(bytes[offset..<min(bytes.count, offset + Self.granuleSize)])
                load(granule: granule, at: address + UInt64(start + offset), isMeasured: isMeasured)
            }
        }
    }

    private mutating func load(granule: [UInt8], at address: UInt64, isMeasured: Bool) {
        let content = isMeasured ? algorithm.digest(of: granule.padded(to: Self.granuleSize)) : []
        let flags: UInt64 = isMeasured ? 1 : 0
        extend(.data, address.littleEndianBytes + flags.littleEndianBytes + content)
    }

    /// Adds a processor. Only those that can run from the start are measured.
    public mutating func add(_ processor: RealmProcessor) {
        guard processor.flags & 1 == 1 else { return }
        extend(.processor, algorithm.digest(of: processor.page))
    }

    /// Adds that a range of memory was made RAM, which RMM 1.0 measures and 2.0 does not.
    ///
    /// - Parameter top: the first address behind the range.
    /// - Throws: `invalid_input` for a range that is empty or not in granules.
    public mutating func makeRAM(from base: UInt64, to top: UInt64) throws(MeasurementError) {
        guard base < top, top % UInt64(Self.granuleSize) == 0 else {
            throw MeasurementError(.invalidInput, "The memory from \(base) to \(top) is not in granules of 4096 bytes.")
        }
        try Self.requireGranules(base, top - base)
        extend(.memoryState, base.littleEndianBytes + top.littleEndianBytes)
    }

    private mutating func extend(_ descriptor: Descriptor, _ fields: [UInt8]) {
        let head = descriptor.rawValue.littleEndianBytes + UInt64(Self.descriptorSize).littleEndianBytes
        let record = (head + digest.padded(to: Self.fieldSize) + fields).padded(to: Self.descriptorSize)
        digest = algorithm.digest(of: record)
    }

    private static func requireGranules(_ address: UInt64, _ size: UInt64) throws(MeasurementError) {
        guard address % UInt64(granuleSize) == 0, address < 1 << 52, size < 1 << 52 else {
            throw MeasurementError(.invalidInput, "The address \(address) is not that of a granule of 4096 bytes.")
        }
    }
}
