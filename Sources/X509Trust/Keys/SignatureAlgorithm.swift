/// How a signature was made and how its bytes are written.
public enum SignatureAlgorithm: Sendable, Hashable {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    case rsaPKCS1(DigestAlgorithm)
    /// RSASSA-PSS (RFC 8017 section 8.1); the salt is as long as the digest and MGF1 uses the same hash function.
    case rsaPSS(DigestAlgorithm)
    /// ECDSA, the signature as the SEQUENCE of RFC 3279 section 2.2.3.
    case ecdsa(DigestAlgorithm)
    /// ECDSA, the signature as r and s one after the other, big-endian, each as long as the order of the curve.
    case ecdsaRaw(DigestAlgorithm)
    /// SM2 with SM3 (GB/T 32918.2), the signature as a SEQUENCE of r and s.
    case sm2(userID: [UInt8])
    /// SM2 with SM3 (GB/T 32918.2), the signature as r and s one after the other, big-endian, 32 bytes each.
    case sm2Raw(userID: [UInt8])

    /// The user identity of SM2 that certificates are signed with (GM/T 0009 section 10).
    public static let sm2DefaultUserID = Array("1234567812345678".utf8)

    var digest: DigestAlgorithm {
        switch self {
        case .rsaPKCS1(let digest), .rsaPSS(let digest), .ecdsa(let digest), .ecdsaRaw(let digest): digest
        case .sm2, .sm2Raw: .sm3
        }
    }

    /// Whether keys of this kind make such signatures: a signature never chooses how its key is used.
    func fits(_ kind: PublicKey.Kind) -> Bool {
        switch (self, kind) {
        case (.rsaPKCS1, .rsa), (.rsaPSS, .rsa), (.ecdsa, .ec), (.ecdsaRaw, .ec), (.sm2, .sm2), (.sm2Raw, .sm2): true
        default: false
        }
    }
}
