package import RATS
import X509Trust

/// The certificate of an authority of AMD's (ARK, ASK) in AMD's own form (Secure Encrypted Virtualization API,
/// appendix B.1): 832 bytes with a key of 2048 bits, 1600 with one of 4096.
package struct SEVAuthorityCertificate: Sendable, Hashable {
    /// The whole certificate.
    package let bytes: [UInt8]
    /// The identifier of the key, 16 bytes.
    let keyID: [UInt8]
    /// The identifier of the key that signed, 16 bytes.
    let certifyingID: [UInt8]
    let usage: UInt32
    private let key: PublicKey
    /// How long the key's numbers and signatures are.
    private let size: Int
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// The largest certificate.
    static let maximumByteCount = 1600

    /// Reads a certificate, all of the bytes. Throws `malformed_evidence`.
    package init(parsing bytes: [UInt8], _ name: String) throws(VerificationError) {
        var reader = EvidenceReader(bytes, name)
        guard try reader.u32LE() == 1 else { throw reader.malformed("Its version is not known.") }
        keyID = try reader.bytes(16)
        certifyingID = try reader.bytes(16)
        usage = try reader.u32LE()
        guard try reader.bytes(16).allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Reserved bytes in it are not zero.")
        }
        let (exponentBits, modulusBits) = (try reader.u32LE(), try reader.u32LE())
        guard exponentBits == modulusBits, [2048, 4096].contains(modulusBits) else {
            throw reader.malformed("Its key has neither 2048 nor 4096 bits.")
        }
        size = Int(modulusBits) / 8
        // Numbers begin with their least significant byte.
        let exponent = Array(try reader.bytes(size).reversed())
        let modulus = Array(try reader.bytes(size).reversed())
        guard modulus[0] & 0x80 != 0, let key = try? PublicKey.rsa(modulus: modulus, exponent: exponent) else {
            throw reader.malformed("Its key is no RSA key.")
        }
        self.key = key
        signed = Array(bytes[..<reader.position])
        signature = try reader.bytes(size)
        try reader.requireEnd()
        self.bytes = bytes
    }

    /// Whether another authority, or this one itself, certified this one.
    func isIssued(by issuer: SEVAuthorityCertificate) -> Bool {
        certifyingID == issuer.keyID && size == issuer.size && issuer.verifies(signature, of: signed)
    }

    /// Whether this key made a signature, which begins with its least significant byte: RSASSA-PSS with SHA-256 by keys of
    /// 2048 bits, with SHA-384 by keys of 4096.
    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == size
            && key.isValid(signature: signature.reversed(), over: message, .rsaPSS(size == 256 ? .sha256 : .sha384))
    }

    /// What a signature by this key says of its algorithm.
    var signatureAlgorithm: UInt32 { size == 256 ? 0x001 : 0x101 }
    /// How many bytes a signature by this key has.
    var signatureByteCount: Int { size }
}
