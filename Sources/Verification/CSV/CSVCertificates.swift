import RATS

/// The certificate of an authority of Hygon's (HRK, HSK), 832 bytes.
struct CSVAuthorityCertificate: Sendable, Hashable {
    static let byteCount = 832

    let bytes: [UInt8]
    let keyID: [UInt8]
    let certifyingID: [UInt8]
    let usage: UInt32
    let key: CSVKey
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// Reads a certificate, all of the bytes. Throws `malformed_evidence`.
    init(parsing bytes: [UInt8], _ name: String) throws(VerificationError) {
        var reader = EvidenceReader(bytes, name)
        guard try reader.u32LE() == 1 else { throw reader.malformed("Its version is not known.") }
        keyID = try reader.bytes(16)
        certifyingID = try reader.bytes(16)
        usage = try reader.u32LE()
        try Self.requireZeros(24, &reader)
        key = try CSVKey(reading: &reader)
        try Self.requireZeros(108, &reader)
        let end = reader.position
        signature = try CSVKey.signature(&reader)
        try Self.requireZeros(112, &reader)
        try reader.requireEnd()
        signed = Array(bytes[..<end])
        self.bytes = bytes
    }

    /// Whether another authority, or this one itself, certified this one.
    func isIssued(by issuer: CSVAuthorityCertificate) -> Bool {
        certifyingID == issuer.keyID && issuer.key.signed(signed, signature)
    }

    private static func requireZeros(_ count: Int, _ reader: inout EvidenceReader) throws(VerificationError) {
        guard try reader.bytes(count).allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Reserved bytes in it are not zero.")
        }
    }
}

/// The certificate of a chip's key (CEK) or of a platform's (PEK), 2084 bytes, with up to two signatures.
struct CSVPlatformCertificate: Sendable, Hashable {
    static let byteCount = 2084
    private static let signedByteCount = 1044

    private struct Slot: Sendable, Hashable {
        let usage: UInt32
        let algorithm: UInt32
        let signature: [UInt8]
    }

    let bytes: [UInt8]
    let usage: UInt32
    let key: CSVKey
    /// The identifier of the key that signed, for chips; zero for platforms.
    let certifyingID: [UInt8]
    private let slots: [Slot]

    /// Reads a certificate, all of the bytes. Throws `malformed_evidence`.
    init(parsing bytes: [UInt8], _ name: String) throws(VerificationError) {
        var reader = EvidenceReader(bytes, name)
        guard (1...2).contains(try reader.u32LE()) else { throw reader.malformed("Its version is not known.") }
        try reader.skip(2)
        guard try reader.u16LE() == 0 else { throw reader.malformed("Reserved bytes in it are not zero.") }
        usage = try reader.u32LE()
        guard try reader.u32LE() == 4 else { throw reader.malformed("Its key is for another algorithm than SM2.") }
        key = try CSVKey(reading: &reader)
        certifyingID = try reader.bytes(16)
        guard try reader.bytes(608).allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Reserved bytes in it are not zero.")
        }
        var slots: [Slot] = []
        for _ in 0..<2 {
            let (usage, algorithm) = (try reader.u32LE(), try reader.u32LE())
            slots.append(Slot(usage: usage, algorithm: algorithm, signature: try CSVKey.signature(&reader)))
            guard try reader.bytes(368).allSatisfy({ $0 == 0 }) else {
                throw reader.malformed("Reserved bytes in it are not zero.")
            }
        }
        self.slots = slots
        try reader.requireEnd()
        self.bytes = bytes
    }

    /// Whether the second place for a signature is empty, as it is in chips' certificates: what stands there nobody would
    /// verify.
    var hasOneSignature: Bool {
        slots[1].usage == 0x1000 && slots[1].algorithm == 0 && slots[1].signature.allSatisfy { $0 == 0 }
    }

    /// Whether this is the certificate of a chip's key that an authority certified which the root did.
    func isChipKey(under authority: CSVAuthorityCertificate, root: CSVAuthorityCertificate) -> Bool {
        root.usage == CSVKeyUsage.root.rawValue && authority.usage == CSVKeyUsage.signing.rawValue
            && authority.isIssued(by: root) && usage == CSVKeyUsage.chip.rawValue && certifyingID == authority.keyID
            && hasOneSignature && isSigned(by: authority.key, usage: .signing)
    }

    /// Whether a key of this usage signed the certificate, in either place.
    func isSigned(by key: CSVKey, usage: CSVKeyUsage) -> Bool {
        let message = Array(bytes[..<Self.signedByteCount])
        return slots.contains { slot in
            slot.usage == usage.rawValue && slot.algorithm == 4 && key.signed(message, slot.signature)
        }
    }
}
