import Encodings

/// A cursor over one structure of an artefact, whose errors say which structure it was.
struct StructureReader {
    private var reader: ByteReader
    /// The structure with its article, such as `The firmware's table`.
    let structure: String
    private let code: MeasurementError.Code

    init(_ bytes: [UInt8], _ structure: String, _ code: MeasurementError.Code = .malformedImage) {
        reader = ByteReader(bytes)
        self.structure = structure
        self.code = code
    }

    var position: Int { reader.position }
    var remaining: Int { reader.remaining }

    mutating func u16LE() throws(MeasurementError) -> UInt16 {
        try read { (r) throws(ByteReaderError) in try r.u16LE() }
    }
    mutating func u32LE() throws(MeasurementError) -> UInt32 {
        try read { (r) throws(ByteReaderError) in try r.u32LE() }
    }
    mutating func u64LE() throws(MeasurementError) -> UInt64 {
        try read { (r) throws(ByteReaderError) in try r.u64LE() }
    }
    mutating func u16BE() throws(MeasurementError) -> UInt16 {
        try read { (r) throws(ByteReaderError) in try r.u16BE() }
    }
    mutating func u32BE() throws(MeasurementError) -> UInt32 {
        try read { (r) throws(ByteReaderError) in try r.u32BE() }
    }
    mutating func u64BE() throws(MeasurementError) -> UInt64 {
        try read { (r) throws(ByteReaderError) in try r.u64BE() }
    }
    mutating func bytes(_ count: Int) throws(MeasurementError) -> [UInt8] {
        try read { (r) throws(ByteReaderError) in try r.bytes(count) }
    }
    mutating func skip(_ count: Int) throws(MeasurementError) {
        try read { (r) throws(ByteReaderError) in try r.skip(count) }
    }

    func malformed(_ reason: String) -> MeasurementError {
        MeasurementError(code, "\(structure) is malformed: \(reason)")
    }

    private mutating func read<Value>(
        _ body: (inout ByteReader) throws(ByteReaderError) -> Value
    ) throws(MeasurementError) -> Value {
        do throws(ByteReaderError) {
            return try body(&reader)
        } catch {
            throw malformed("\(error.message).")
        }
    }
}

extension FixedWidthInteger {
    /// The bytes, least significant first.
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self($0 * 8)) }
    }
}

extension [UInt8] {
    /// The bytes with zeros behind them up to a size.
    func padded(to size: Int) -> [UInt8] { self + [UInt8](repeating: 0, count: Swift.max(0, size - count)) }
}
