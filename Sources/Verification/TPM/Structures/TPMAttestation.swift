import RATS

/// A statement that a TPM signed about its registers: a TPMS_ATTEST of type quote (TPM 2.0 Library, part 2, section
/// 10.12.12).
package struct TPMAttestation: Sendable, Hashable {
    /// The name of the signing key along the keys above it.
    package let qualifiedSigner: [UInt8]
    /// What the caller had signed: the nonce.
    package let extraData: [UInt8]
    /// Milliseconds that the TPM was powered.
    package let clock: UInt64
    /// How often the TPM was reset, and how often it was restarted since.
    package let resetCount: UInt32
    /// How often the TPM was restarted or resumed since it was reset.
    package let restartCount: UInt32
    /// Whether the clock never stood at a later time before.
    package let isClockSafe: Bool
    /// The firmware's version, in the vendor's numbers.
    package let firmwareVersion: UInt64
    /// Which registers the digest is over, in this order.
    package let selections: [PCRSelection]
    /// The digest over the selected registers.
    package let pcrDigest: [UInt8]
    /// The statement as it was signed.
    package let bytes: [UInt8]

    /// What TPMs put before whatever they make up themselves, and before nothing that they sign for others.
    private static let magic: UInt32 = 0xFF54_4347
    private static let quoteType: UInt16 = 0x8018
    private static let maximumSelections: UInt32 = 16

    /// Reads a statement, all of the bytes.
    ///
    /// Throws `malformed_evidence`, also for a statement that no TPM made or that is not about registers.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The TPM's statement")
        guard try reader.u32BE() == Self.magic else { throw reader.malformed("No TPM made it.") }
        let type = try reader.u16BE()
        guard type == Self.quoteType else {
            throw reader.malformed("It is of type 0x\(String(type, radix: 16)), not about registers (0x8018).")
        }
        qualifiedSigner = try reader.counted()
        extraData = try reader.counted()
        clock = try reader.u64BE()
        resetCount = try reader.u32BE()
        restartCount = try reader.u32BE()
        let safe = try reader.u8()
        guard safe <= 1 else { throw reader.malformed("Its clock is neither safe nor unsafe.") }
        isClockSafe = safe == 1
        firmwareVersion = try reader.u64BE()
        let count = try reader.u32BE()
        guard count <= Self.maximumSelections else { throw reader.malformed("It selects registers \(count) times.") }
        var selections: [PCRSelection] = []
        for _ in 0..<count { selections.append(try PCRSelection(reading: &reader)) }
        self.selections = selections
        pcrDigest = try reader.counted()
        try reader.requireEnd()
        self.bytes = bytes
    }
}

/// Registers of one bank (TPMS_PCR_SELECTION).
package struct PCRSelection: Sendable, Hashable {
    /// The bank, by its number in the TCG Algorithm Registry.
    package let algorithm: UInt16
    /// The selected registers, ascending.
    package let indices: [Int]

    init(algorithm: UInt16, indices: [Int]) {
        self.algorithm = algorithm
        self.indices = indices
    }

    init(reading reader: inout EvidenceReader) throws(VerificationError) {
        algorithm = try reader.u16BE()
        let size = Int(try reader.u8())
        // PTP says three bytes; the structure has room for four.
        guard (1...4).contains(size) else { throw reader.malformed("It selects registers with \(size) bytes.") }
        let bitmap = try reader.bytes(size)
        indices = (0..<size * 8).filter { bitmap[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    }

    /// All registers that a PC's TPM has, in one bank.
    static func all(in bank: TCGHash) -> PCRSelection {
        PCRSelection(algorithm: bank.rawValue, indices: Array(0..<24))
    }
}
