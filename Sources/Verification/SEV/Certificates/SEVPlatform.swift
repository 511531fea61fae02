import Crypto
package import RATS

/// The certificates of a platform as somebody presents them, each in AMD's own form.
package struct SEVPresentedChain: Sendable, Hashable {
    package var pdh: [UInt8]
    package var pek: [UInt8]
    package var oca: [UInt8]
    package var cek: [UInt8]
    /// The signing key's certificate and the root's; `nil` when they are left to the verifier.
    package var authorities: Authorities?

    /// The certificates above the chip's.
    package struct Authorities: Sendable, Hashable {
        package var ask: [UInt8]
        package var ark: [UInt8]

        /// These two.
        package init(ask: [UInt8], ark: [UInt8]) {
            self.ask = ask
            self.ark = ark
        }
    }

    /// These certificates.
    package init(pdh: [UInt8], pek: [UInt8], oca: [UInt8], cek: [UInt8], authorities: Authorities? = nil) {
        self.pdh = pdh
        self.pek = pek
        self.oca = oca
        self.cek = cek
        self.authorities = authorities
    }
}

/// A platform whose keys lead to AMD's root.
package struct SEVPlatform: Sendable, Hashable {
    /// The generation of the processor.
    package let generation: SEVGeneration
    /// SHA-256 over the chip's key as it stands in its certificate (1028 bytes): it tells one chip from another.
    package let chipID: [UInt8]
    /// The key that a session is agreed with: 4, x and y of P-384.
    package let sessionKey: [UInt8]

    /// Verifies PDH by PEK, PEK by owner and chip, the chip by the signing key, and that by a pinned root.
    ///
    /// Throws `malformed_evidence`, and `chain_not_trusted` with the link that does not hold.
    package init(_ presented: SEVPresentedChain, under authorities: SEVAuthorities) throws(VerificationError) {
        let cek = try Self.certificate(presented.cek, "The chip's certificate (CEK)", .chip, 0x002)
        let oca = try Self.certificate(presented.oca, "The owner's certificate (OCA)", .owner, 0x002)
        let pek = try Self.certificate(presented.pek, "The platform's certificate (PEK)", .platform, 0x002)
        let pdh = try Self.certificate(presented.pdh, "The session key's certificate (PDH)", .session, 0x003)
        if let above = presented.authorities {
            let (generation, signer) = try authorities.pair(presentedRoot: above.ark, signer: above.ask)
            guard cek.isSigned(by: [.authority(signer)]) else {
                throw .untrustedSEV("The chip (CEK) is not one that the signing key (ASK) certified.")
            }
            self.generation = generation
        } else {
            let found = SEVGeneration.allCases.first { generation in
                authorities.pairs[generation].map { cek.isSigned(by: [.authority($0.signer)]) } ?? false
            }
            guard let found else { throw .untrustedSEV("The chip (CEK) is of no generation that is known here.") }
            generation = found
        }
        guard oca.isSigned(by: [.platform(oca, .owner)]) else {
            throw .untrustedSEV("The owner (OCA) did not sign itself.")
        }
        guard pek.isSigned(by: [.platform(oca, .owner), .platform(cek, .chip)]) else {
            throw .untrustedSEV("The platform (PEK) is not certified by both its owner and its chip.")
        }
        guard pdh.isSigned(by: [.platform(pek, .platform)]) else {
            throw .untrustedSEV("The session key (PDH) is not the platform's.")
        }
        chipID = Array(SHA256.hash(data: cek.keyField))
        sessionKey = pdh.point
    }

    /// A key that may also be for SHA-384, which the same bit says of all algorithms.
    private static func certificate(
        _ bytes: [UInt8], _ name: String, _ usage: SEVKeyUsage, _ algorithm: UInt32
    ) throws(VerificationError) -> SEVCertificate {
        let certificate = try SEVCertificate(parsing: bytes, name)
        guard certificate.usage == usage.rawValue, certificate.algorithm & ~0x100 == algorithm else {
            throw .untrustedSEV("\(name) is for another use.")
        }
        return certificate
    }
}
