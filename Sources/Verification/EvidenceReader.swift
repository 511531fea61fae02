import Encodings
import RATS

/// A cursor over one structure of evidence, whose errors say which structure it was.
///
/// Reading past the end and leaving bytes over are `malformed_evidence`.
struct EvidenceReader {
    private var reader: ByteReader
    /// The structure's name with its article, such as `The TPM quote`, for errors.
    let structure: String

    init(_ bytes: [UInt8], _ structure: String) {
        reader = ByteReader(bytes)
        self.structure = structure
    }

    /// Bytes already read.
    var position: Int { reader.position }
    /// The number of bytes still to read.
    var remaining: Int { reader.remaining }

    mutating func u8() throws(VerificationError) -> UInt8 { try read { (r) throws(ByteReaderError) in try r.u8() } }
    mutating func u16BE() throws(VerificationError) -> UInt16 {
        try read { (r) throws(ByteReaderError) in try r.u16BE() }
    }
    mutating func u16LE() throws(VerificationError) -> UInt16 {
        try read { (r) throws(ByteReaderError) in try r.u16LE() }
    }
    mutating func u32BE() throws(VerificationError) -> UInt32 {
        try read { (r) throws(ByteReaderError) in try r.u32BE() }
    }
    mutating func u32LE() throws(VerificationError) -> UInt32 {
        try read { (r) throws(ByteReaderError) in try r.u32LE() }
    }
    mutating func u64BE() throws(VerificationError) -> UInt64 {
        try read { (r) throws(ByteReaderError) in try r.u64BE() }
    }

    mutating func bytes(_ count: Int) throws(VerificationError) -> [UInt8] {
        try read { (r) throws(ByteReaderError) in try r.bytes(count) }
    }

    mutating func skip(_ count: Int) throws(VerificationError) {
        try read { (r) throws(ByteReaderError) in try r.skip(count) }
    }

    /// Bytes behind their count of two bytes, as all variable fields of TPM structures (TPM2B) are.
    mutating func counted() throws(VerificationError) -> [UInt8] {
        try bytes(Int(try u16BE()))
    }

    /// Throws unless everything has been read.
    func requireEnd() throws(VerificationError) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes follow its end.") }
    }

    /// Throws unless everything that is left is zero.
    mutating func requireZeros() throws(VerificationError) {
        guard reader.rest().allSatisfy({ $0 == 0 }) else { throw malformed("Bytes that are not zero follow its end.") }
    }

    /// The error for a structure that breaks its own rules; `reason` is a sentence.
    func malformed(_ reason: String) -> VerificationError {
        VerificationError(code: "malformed_evidence", message: "\(structure) cannot be read. \(reason)")
    }

    private mutating func read<Value>(
        _ body: (inout ByteReader) throws(ByteReaderError) -> Value
    ) throws(VerificationError) -> Value {
        do throws(ByteReaderError) {
            return try body(&reader)
        } catch {
            throw malformed("It is cut off at byte \(error.offset).")
        }
    }
}
