import Encodings
import RATS

/// An SPDM 1.1 measurement report (DSP0274, GET_MEASUREMENTS and MEASUREMENTS) of an NVIDIA GPU or switch: what was asked,
/// and the signed answer.
package struct NVIDIAReport: Sendable, Hashable {
    /// What the asker chose, 32 bytes.
    package let nonce: [UInt8]
    /// The registers, 48 bytes each, by their index from 1.
    package let measurements: [Int: [UInt8]]
    /// What else the device signed.
    package let opaque: NVIDIAOpaqueData
    /// Request and response as far as they are signed.
    package let signed: [UInt8]
    /// r and s, big-endian, 48 bytes each.
    package let signature: [UInt8]
    /// How many zero bytes follow the signature.
    package let trailingZeros: Int

    /// The first bytes of the request: SPDM 1.1, GET_MEASUREMENTS.
    static let beginning: [UInt8] = [0x11, 0xE0]
    private static let nonceSize = 32
    private static let registerSize = 48
    private static let signatureSize = 96

    /// Reads a report, all of the bytes.
    ///
    /// - Parameter allowsTrailingZeros: lets in zero bytes behind the signature, which nobody signed: agents up to v0.16 send
    ///   the whole of a buffer that is larger than the report.
    ///
    /// Throws `malformed_evidence`.
    package init(parsing bytes: [UInt8], allowsTrailingZeros: Bool = false) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The report of the NVIDIA device")
        nonce = try Self.request(&reader)
        measurements = try Self.response(&reader)
        // The device's own nonce makes its signature another each time; it stands for nothing else.
        guard try reader.bytes(Self.nonceSize).contains(where: { $0 != 0 }) else {
            throw reader.malformed("The device gave no nonce of its own.")
        }
        opaque = try NVIDIAOpaqueData(parsing: reader.bytes(Int(reader.u16LE())))
        signed = Array(bytes[..<reader.position])
        signature = try reader.bytes(Self.signatureSize)
        trailingZeros = reader.remaining
        if allowsTrailingZeros { try reader.requireZeros() } else { try reader.requireEnd() }
    }

    private static func request(_ reader: inout EvidenceReader) throws(VerificationError) -> [UInt8] {
        guard try reader.bytes(2) == beginning else {
            throw reader.malformed("It does not begin with a request for measurements by SPDM 1.1.")
        }
        guard try reader.bytes(2) == [0x01, 0xFF] else {
            throw reader.malformed("It was not asked for all measurements with a signature.")
        }
        let nonce = try reader.bytes(nonceSize)
        guard try reader.u8() == 0 else { throw reader.malformed("It is signed by the key of another slot.") }
        return nonce
    }

    private static func response(_ reader: inout EvidenceReader) throws(VerificationError) -> [Int: [UInt8]] {
        guard try reader.bytes(4) == [0x11, 0x60, 0, 0] else {
            throw reader.malformed("The device did not answer with measurements by SPDM 1.1.")
        }
        let count = Int(try reader.u8())
        let size = Int(try reader.u8()) | Int(try reader.u16LE()) << 8
        let begin = reader.position
        var registers: [Int: [UInt8]] = [:]
        for _ in 0..<count {
            let (index, register) = try block(&reader)
            guard registers.updateValue(register, forKey: index) == nil else {
                throw reader.malformed("Register \(index) is there twice.")
            }
        }
        guard count > 0, reader.position - begin == size else {
            throw reader.malformed("Its measurements are not as long as it says.")
        }
        return registers
    }

    /// A block of the DMTF's own form (DSP0274 section 10.11.1): index, specification, size, type and value.
    private static func block(_ reader: inout EvidenceReader) throws(VerificationError) -> (Int, [UInt8]) {
        let index = Int(try reader.u8())
        let specification = try reader.u8()
        let size = Int(try reader.u16LE())
        // The first bit of the type says that the value is no digest.
        let type = try reader.u8()
        let valueSize = Int(try reader.u16LE())
        guard index > 0, specification == 1, valueSize == registerSize, size == valueSize + 3, type & 0x80 == 0 else {
            throw reader.malformed("A measurement is no digest by SHA-384.")
        }
        return (index, try reader.bytes(valueSize))
    }
}
