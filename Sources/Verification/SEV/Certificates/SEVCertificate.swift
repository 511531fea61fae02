import Crypto
package import RATS
import X509Trust

/// The certificate of a key on a platform (CEK, OCA, PEK, PDH), 2084 bytes with room for two signatures (Secure Encrypted
/// Virtualization API, appendix C.1).
package struct SEVCertificate: Sendable, Hashable {
    /// The size of every such certificate.
    package static let byteCount = 2084
    static let signedByteCount = 0x414
    static let signatureByteCount = 512
    private static let keyByteCount = 1028
    private static let p384: UInt32 = 2

    /// A place for a signature. Which of the two holds which is not fixed.
    struct Slot: Sendable, Hashable {
        let usage: UInt32
        let algorithm: UInt32
        let signature: [UInt8]

        var isEmpty: Bool {
            usage == SEVKeyUsage.none.rawValue && algorithm == 0 && signature.allSatisfy { $0 == 0 }
        }
    }

    /// The whole certificate.
    package let bytes: [UInt8]
    let usage: UInt32
    let algorithm: UInt32
    /// The key's point: 4, x and y (97 bytes).
    let point: [UInt8]
    private let key: PublicKey
    let slots: [Slot]

    /// Reads a certificate, all of the bytes. Throws `malformed_evidence`.
    package init(parsing bytes: [UInt8], _ name: String) throws(VerificationError) {
        var reader = EvidenceReader(bytes, name)
        guard try reader.u32LE() == 1 else { throw reader.malformed("Its version is not known.") }
        try reader.skip(2)
        guard try reader.u16LE() == 0 else { throw reader.malformed("Reserved bytes in it are not zero.") }
        usage = try reader.u32LE()
        algorithm = try reader.u32LE()
        guard try reader.u32LE() == Self.p384 else { throw reader.malformed("Its key is not on the curve P-384.") }
        let x = try Self.number(&reader)
        point = [4] + x + (try Self.number(&reader))
        guard try reader.bytes(Self.keyByteCount - 148).allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Reserved bytes in it are not zero.")
        }
        guard let key = try? PublicKey.ec(.p384, x963: point) else {
            throw reader.malformed("Its key is not on the curve P-384.")
        }
        self.key = key
        var slots: [Slot] = []
        for _ in 0..<2 {
            let (usage, algorithm) = (try reader.u32LE(), try reader.u32LE())
            slots.append(
                Slot(usage: usage, algorithm: algorithm, signature: try reader.bytes(Self.signatureByteCount)))
        }
        self.slots = slots
        try reader.requireEnd()
        self.bytes = bytes
    }

    /// The key as it stands in the certificate, 1028 bytes.
    var keyField: [UInt8] { Array(bytes[0x10..<Self.signedByteCount]) }

    /// Whether the certificate is signed by exactly these signers, each in a place of its own, and by nobody else.
    func isSigned(by signers: [SEVSigner]) -> Bool {
        var open = slots
        for signer in signers {
            guard let index = open.firstIndex(where: { $0.usage == signer.usage.rawValue }),
                signer.signed(self, open[index])
            else { return false }
            open.remove(at: index)
        }
        return open.allSatisfy(\.isEmpty)
    }

    /// Whether a signing key of AMD's certified this chip's key, and nobody else did.
    package func isCertified(by authority: SEVAuthorityCertificate) -> Bool { isSigned(by: [.authority(authority)]) }

    /// Whether this key made the signature in a place: ECDSA, r and s 72 bytes each, least significant byte first.
    func verifies(_ slot: Slot, of message: [UInt8]) -> Bool {
        let digest: DigestAlgorithm
        switch slot.algorithm {
        case 0x002: digest = .sha256
        case 0x102: digest = .sha384
        default: return false
        }
        let (r, s) = (slot.signature[..<72], slot.signature[72..<144])
        guard slot.signature[144...].allSatisfy({ $0 == 0 }), r.suffix(24).allSatisfy({ $0 == 0 }),
            s.suffix(24).allSatisfy({ $0 == 0 })
        else { return false }
        return key.isValid(
            signature: r.prefix(48).reversed() + s.prefix(48).reversed(), over: message, .ecdsaRaw(digest))
    }

    private static func number(_ reader: inout EvidenceReader) throws(VerificationError) -> [UInt8] {
        let bytes = try reader.bytes(72)
        guard bytes[48...].allSatisfy({ $0 == 0 }) else { throw reader.malformed("A number in it has too many bits.") }
        return bytes[..<48].reversed()
    }
}

/// A key whose signature a certificate must have.
enum SEVSigner: Sendable {
    case authority(SEVAuthorityCertificate)
    case platform(SEVCertificate, SEVKeyUsage)

    var usage: SEVKeyUsage {
        switch self {
        case .authority: .signing
        case .platform(_, let usage): usage
        }
    }

    func signed(_ certificate: SEVCertificate, _ slot: SEVCertificate.Slot) -> Bool {
        let message = Array(certificate.bytes[..<SEVCertificate.signedByteCount])
        switch self {
        case .platform(let issuer, _): return issuer.verifies(slot, of: message)
        case .authority(let issuer):
            let size = issuer.signatureByteCount
            return slot.algorithm == issuer.signatureAlgorithm && slot.signature[size...].allSatisfy { $0 == 0 }
                && issuer.verifies(Array(slot.signature[..<size]), of: message)
        }
    }
}
