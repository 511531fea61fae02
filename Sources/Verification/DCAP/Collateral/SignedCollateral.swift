import Crypto
import FoundationEssentials
import RATS
import X509Trust

/// A document of Intel's whose signature was verified.
struct SignedCollateral<Content: Sendable>: Sendable {
    let content: Content
    /// The certificate that signed it, up to the root.
    let signer: VerifiedChain
}

extension SignedCollateral where Content == TCBInfo {
    /// - Parameter date: When the signer's certificate must be valid; `nil` for when the document was issued.
    ///
    /// Throws `malformed_collateral`, `unsupported_collateral_version`, `signature_invalid` and what chains throw.
    static func tcbInfo(
        _ item: CollateralItem, anchors: [PinnedAnchor], at date: Date? = nil
    ) throws(VerificationError) -> SignedCollateral<TCBInfo> {
        let document = try IntelDocument(item.body, member: "tcbInfo", what: TCBInfo.title)
        let content = try TCBInfo(document.content)
        let signer = try document.signer(
            item.issuerChain, anchors: anchors, at: date ?? content.issued, what: TCBInfo.title)
        return SignedCollateral(content: content, signer: signer)
    }
}

extension SignedCollateral where Content == QEIdentity {
    /// - Parameter date: When the signer's certificate must be valid; `nil` for when the document was issued.
    ///
    /// Throws `malformed_collateral`, `unsupported_collateral_version`, `signature_invalid` and what chains throw.
    static func qeIdentity(
        _ item: CollateralItem, anchors: [PinnedAnchor], at date: Date? = nil
    ) throws(VerificationError) -> SignedCollateral<QEIdentity> {
        let document = try IntelDocument(item.body, member: "enclaveIdentity", what: QEIdentity.title)
        let content = try QEIdentity(document.content)
        let signer = try document.signer(
            item.issuerChain, anchors: anchors, at: date ?? content.issued, what: QEIdentity.title)
        return SignedCollateral(content: content, signer: signer)
    }
}

extension IntelDocument {
    /// The verified chain of the certificate that signed this document.
    fileprivate func signer(
        _ path: [[UInt8]], anchors: [PinnedAnchor], at date: Date, what: String
    ) throws(VerificationError) -> VerifiedChain {
        let chain = try IntelChain.verify(path, anchors: anchors, at: date, what: "The signer of Intel's \(what)")
        guard chain.certificates.count == 2, chain.leaf.subjectCommonName == "Intel SGX TCB Signing" else {
            throw VerificationError(
                code: "chain_not_trusted", message: "Intel's \(what) is signed with a key that is for something else.")
        }
        guard let key = try? P256.Signing.PublicKey(derRepresentation: chain.leaf.publicKeyDER),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature),
            key.isValidSignature(signature, for: signedBytes)
        else {
            throw VerificationError(
                code: "signature_invalid",
                message:
                    "The signature of Intel's \(what) is not valid: it must be kept byte for byte as it was served.")
        }
        return chain
    }
}

/// A revocation list of Intel's whose signature was verified.
struct IntelRevocationList: Sendable {
    let list: RevocationList
    /// The authority whose certificates it is about.
    let issuer: Certificate

    /// When an item says that it was made, not believed. Throws `revocation_unknown`.
    static func date(of item: CollateralItem) throws(VerificationError) -> Date {
        do throws(X509Error) {
            return try RevocationList(der: item.body).thisUpdate
        } catch {
            throw VerificationError(code: "revocation_unknown", message: error.message)
        }
    }

    /// Throws `revocation_unknown` for a list that this authority did not make and sign.
    init(_ item: CollateralItem, issuer: Certificate) throws(VerificationError) {
        do throws(X509Error) {
            list = try RevocationList(der: item.body)
            try list.verify(issuer: issuer)
        } catch {
            throw VerificationError(
                code: "revocation_unknown",
                message: "The revocation list for \(issuer.subject.prefix(200)) is not used. \(error.message)")
        }
        self.issuer = issuer
    }

    /// Throws `revoked` when the list names this certificate, however old the list is.
    func requireGood(_ certificate: Certificate) throws(VerificationError) {
        guard list.revocation(ofSerial: certificate.serialNumber) == nil else {
            throw VerificationError(
                code: "revoked", message: "Intel has revoked the certificate of \(certificate.subject.prefix(200)).")
        }
    }
}
