import RATS
import X509Trust

/// A signature as TPMs write it: a TPMT_SIGNATURE (TPM 2.0 Library, part 2, section 11.3.4).
package struct TPMSignature: Sendable, Hashable {
    /// How the signature was made.
    package enum Scheme: Sendable, Hashable {
        /// RSASSA-PKCS1-v1_5.
        case rsassa([UInt8])
        /// RSASSA-PSS.
        case rsapss([UInt8])
        /// ECDSA with the numbers r and s, big-endian, without leading zeros or with them.
        case ecdsa(r: [UInt8], s: [UInt8])
    }

    /// How the signature was made, and its bytes.
    package let scheme: Scheme
    /// The hash algorithm, by its number in the TCG Algorithm Registry.
    package let hash: UInt16

    init(scheme: Scheme, hash: UInt16) {
        self.scheme = scheme
        self.hash = hash
    }

    /// Reads a signature, all of the bytes. Throws `malformed_evidence`, also for algorithms other than these three.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The TPM's signature")
        let algorithm = try reader.u16BE()
        hash = try reader.u16BE()
        switch algorithm {
        case 0x0014: scheme = .rsassa(try reader.counted())
        case 0x0016: scheme = .rsapss(try reader.counted())
        case 0x0018: scheme = .ecdsa(r: try reader.counted(), s: try reader.counted())
        default: throw reader.malformed("It is of algorithm \(algorithm).")
        }
        try reader.requireEnd()
    }

    /// Verifies the signature over `message` and returns the hash algorithm that it was made with.
    ///
    /// Throws `weak_algorithm` for SHA-1 and unknown hash algorithms, and `signature_invalid`.
    package func verify(over message: [UInt8], by key: PublicKey) throws(VerificationError) -> TCGHash {
        guard let hash = TCGHash(rawValue: hash), let digest = hash.signatureDigest else {
            throw VerificationError(
                code: "weak_algorithm",
                message: "The TPM's statement is signed with hash algorithm \(self.hash), not with SHA-256 or better.")
        }
        let isValid: Bool =
            switch scheme {
            case .rsassa(let bytes): key.isValid(signature: bytes, over: message, .rsaPKCS1(digest))
            case .rsapss(let bytes): key.isValid(signature: bytes, over: message, .rsaPSS(digest))
            case .ecdsa(let r, let s):
                key.rawSignature(r, s).map { key.isValid(signature: $0, over: message, .ecdsaRaw(digest)) } ?? false
            }
        guard isValid else { throw .signatureInvalid("the TPM's statement") }
        return hash
    }
}

extension TCGHash {
    /// The algorithm for signatures with ordinary keys, of which SHA-1 is none and SM3 another matter.
    fileprivate var signatureDigest: DigestAlgorithm? {
        switch self {
        case .sha1, .sm3: nil
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}

extension PublicKey {
    /// Both numbers of an ECDSA signature at the length of this key's coordinates; `nil` when they do not fit.
    fileprivate func rawSignature(_ r: [UInt8], _ s: [UInt8]) -> [UInt8]? {
        guard case .ec(let curve) = kind else { return nil }
        let count = curve.coordinateByteCount
        guard r.count <= count, s.count <= count else { return nil }
        return [r, s].flatMap { [UInt8](repeating: 0, count: count - $0.count) + $0 }
    }
}
