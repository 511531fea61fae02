import RATS
import X509Trust

/// A statement that a TPM signed about another key that it holds: a TPMS_ATTEST of type certify (TPM 2.0 Library, part 2,
/// section 10.12.3).
package struct TPMCertification: Sendable, Hashable {
    /// What the caller had signed: the nonce.
    package let extraData: [UInt8]
    /// The name of the key.
    package let name: [UInt8]
    /// The statement as it was signed.
    package let bytes: [UInt8]

    private static let magic: UInt32 = 0xFF54_4347
    private static let certifyType: UInt16 = 0x8017

    /// Reads a statement, all of the bytes.
    ///
    /// Throws `malformed_evidence`, also for a statement that no TPM made or that is not about a key.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The TPM's word about a key")
        guard try reader.u32BE() == Self.magic else { throw reader.malformed("No TPM made it.") }
        guard try reader.u16BE() == Self.certifyType else { throw reader.malformed("It is about something else.") }
        _ = try reader.counted()  // the signing key's name along the keys above it
        extraData = try reader.counted()
        try reader.skip(8 + 4 + 4)  // clock, resets and restarts
        guard try reader.u8() <= 1 else { throw reader.malformed("Its clock is neither safe nor unsafe.") }
        try reader.skip(8)  // the firmware's version
        name = try reader.counted()
        _ = try reader.counted()  // the key's name along the keys above it
        try reader.requireEnd()
        self.bytes = bytes
    }
}
