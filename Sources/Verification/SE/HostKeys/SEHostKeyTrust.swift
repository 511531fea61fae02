package import FoundationEssentials
package import RATS
package import X509Trust

/// Verifies host-key documents: certificates of machines that IBM signed with a key which is no authority in the sense of
/// RFC 5280, so that no chain of the usual kind leads to them.
///
/// All signatures are verified when it is made, and those of documents when they are read. What is left to ask at a moment
/// are dates and serial numbers, so that it may be asked by anybody and as often as he likes.
package struct SEHostKeyTrust: Sendable {
    private let signers: [SEHostKeySigner]
    private let grace: Duration

    /// What is believed of host-key documents.
    ///
    /// - Parameters:
    ///   - anchors: The roots that are believed.
    ///   - authorities: IBM's signing certificates, and the authorities that lead from them to a root.
    ///   - lists: Lists of the signing key and of its authority; without a current one of either nothing is believed.
    ///   - grace: How long a list is tolerated after the next one was due.
    package init(
        anchors: [PinnedAnchor], authorities: [Certificate], lists: [RevocationList], grace: Duration = .zero
    ) {
        signers = authorities.compactMap {
            SEHostKeySigner($0, anchors: anchors, authorities: authorities, lists: lists)
        }
        self.grace = grace
    }

    /// The machine's key, when its document is good at this moment.
    ///
    /// Throws `host_key_not_trusted`, `certificate_expired`, `certificate_not_yet_valid`, `revoked`,
    /// `revocation_unknown` and `chain_not_trusted`.
    package func verify(_ document: Certificate, at date: Date) throws(VerificationError) -> SEHostKey {
        try read(document).key(at: date)
    }

    /// A document with what does not depend on the time.
    func read(_ document: Certificate) -> SEHostKeyDocument {
        SEHostKeyDocument(document, signers: signers.filter { $0.issued(document) }, grace: grace)
    }
}

/// A host-key document with those of IBM's signing certificates whose key signed it.
struct SEHostKeyDocument: Sendable {
    private let certificate: Certificate
    private let hostKey: SEHostKey?
    private let signers: [SEHostKeySigner]
    private let grace: Duration
    /// Key usage, which is heeded, and basic constraints, which say nothing of a key that signs nothing.
    private static let understood: Set<String> = ["2.5.29.15", "2.5.29.19"]

    fileprivate init(_ certificate: Certificate, signers: [SEHostKeySigner], grace: Duration) {
        self.certificate = certificate
        self.signers = signers
        self.grace = grace
        hostKey = SEHostKey(certificate)
    }

    /// The machine's key, when the document is good at this moment. Throws as ``SEHostKeyTrust/verify(_:at:)``.
    func key(at date: Date) throws(VerificationError) -> SEHostKey {
        try requireValid(at: date)
        guard let hostKey else { throw Self.refusal("Its key is not on P-521.") }
        guard mayAgreeOnKeys else { throw Self.refusal("Its key is for another use.") }
        guard certificate.extensions.allSatisfy({ !$0.isCritical || Self.understood.contains($0.oid) }) else {
            throw Self.refusal("It has a critical extension that is not known.")
        }
        var reason = Self.refusal("None of IBM's signing certificates that are known signed it.")
        for signer in signers {
            do throws(VerificationError) {
                try signer.requireTrust(at: date, grace: grace)
                try signer.requireGood(certificate, at: date, grace: grace)
                return hostKey
            } catch {
                reason = error
            }
        }
        throw reason
    }

    private func requireValid(at date: Date) throws(VerificationError) {
        guard certificate.notBefore <= date else {
            throw VerificationError(
                code: "certificate_not_yet_valid", message: "The host-key document is not valid yet.")
        }
        guard date <= certificate.notAfter else {
            throw VerificationError(
                code: "certificate_expired",
                message: "The host-key document was valid until \(certificate.notAfter.formatted(.iso8601)).")
        }
    }

    /// Key usage (RFC 5280 section 4.2.1.3), where the document says anything of it.
    private var mayAgreeOnKeys: Bool {
        guard let usage = certificate.extensionValue("2.5.29.15") else { return true }
        return usage.count >= 4 && usage[0] == 0x03 && usage[3] & 0x08 != 0
    }

    private static func refusal(_ reason: String) -> VerificationError {
        VerificationError(code: "host_key_not_trusted", message: "The host-key document is refused. \(reason)")
    }
}

/// One of IBM's signing certificates for host keys, with the chain above it and the lists that speak about it.
private struct SEHostKeySigner: Sendable {
    private let certificate: Certificate
    private let key: PublicKey
    /// The lists over documents, which are the signing key's, in whichever of its two names.
    private let lists: [RevocationList]
    /// The chain to a root with what lists say of it, or why there is none.
    private let chain: Result<ChainRevocation, X509Error>

    /// `nil` for an authority that is no signing certificate.
    init?(_ certificate: Certificate, anchors: [PinnedAnchor], authorities: [Certificate], lists: [RevocationList]) {
        guard IBMName.isSigner(certificate.subjectAttributes), let key = try? certificate.publicKey else { return nil }
        self.certificate = certificate
        self.key = key
        self.lists = lists.filter {
            IBMName.areEqual($0.issuerAttributes, certificate.subjectAttributes) && $0.isSigned(by: key)
        }
        do throws(X509Error) {
            let path = Self.path(from: certificate, anchors, authorities)
            // Whether it is valid at the moment that matters is asked then.
            let first = path.map(\.notBefore).max() ?? certificate.notBefore
            let chain = try CertificateChain.verify(path: path, anchors: anchors, at: first)
            self.chain = .success(try ChainRevocation(chain: chain, lists: lists))
        } catch {
            chain = .failure(error)
        }
    }

    func issued(_ document: Certificate) -> Bool {
        guard document.isSigned(by: key),
            IBMName.areEqual(document.issuerAttributes, certificate.subjectAttributes)
        else { return false }
        // Names of two signing certificates may be the same; where the document names the key, it must be this one. What
        // it says of the key in another way than by its identifier is not understood, and not passed over.
        guard document.extensionValue(KeyIdentifier.authority) != nil else { return true }
        guard let identifier = KeyIdentifier.authority(of: document) else { return false }
        return identifier == KeyIdentifier.subject(of: certificate)
    }

    /// The signing certificate itself leads to a root in the usual way, and its issuer's list must not name it.
    func requireTrust(at date: Date, grace: Duration) throws(VerificationError) {
        do throws(X509Error) {
            let revocation = try chain.get()
            try Self.requireValid(revocation.chain, at: date)
            let statuses = revocation.statuses(at: date, grace: grace)
            guard case .good = statuses[0] else { throw Self.revocation(statuses[0], "IBM's signing certificate") }
            // Lists of the authorities above need not be there, but what one of them says counts.
            for status in statuses {
                if case .revoked = status { throw Self.revocation(status, "An authority above it") }
            }
        } catch {
            throw VerificationError(
                code: error.code, message: "IBM's signing certificate for host keys is refused. \(error.message)")
        }
    }

    /// No list of the signing key names the document, and one of them is current.
    func requireGood(_ document: Certificate, at date: Date, grace: Duration) throws(VerificationError) {
        guard lists.allSatisfy({ $0.revocation(ofSerial: document.serialNumber) == nil }) else {
            throw VerificationError(code: "revoked", message: "The host-key document is revoked by IBM.")
        }
        let isCurrent = lists.contains { [.fresh, .withinGrace].contains($0.freshness(at: date, grace: grace)) }
        guard isCurrent else {
            throw VerificationError(
                code: "revocation_unknown",
                message: "The host-key document may be revoked: provide IBM's current revocation list over host keys.")
        }
    }

    private static func requireValid(_ chain: VerifiedChain, at date: Date) throws(X509Error) {
        guard chain.notBefore <= date else {
            throw X509Error(
                code: "certificate_not_yet_valid",
                message: "Its chain is valid from \(chain.notBefore.formatted(.iso8601)) on.")
        }
        guard date <= chain.notAfter else {
            throw X509Error(
                code: "certificate_expired",
                message: "Its chain was valid until \(chain.notAfter.formatted(.iso8601)).")
        }
    }

    private static func path(
        from signer: Certificate, _ anchors: [PinnedAnchor], _ authorities: [Certificate]
    ) -> [Certificate] {
        var path = [signer]
        var left = authorities
        while let last = path.last, path.count < 8 {
            if let root = anchors.first(where: { signed(last, by: $0.certificate) }) {
                return path + [root.certificate]
            }
            guard let index = left.firstIndex(where: { !path.contains($0) && signed(last, by: $0) }) else {
                return path
            }
            path.append(left.remove(at: index))
        }
        return path
    }

    private static func signed(_ certificate: Certificate, by issuer: Certificate) -> Bool {
        guard issuer.subject == certificate.issuer, let key = try? issuer.publicKey else { return false }
        return certificate.isSigned(by: key)
    }

    private static func revocation(_ status: RevocationStatus, _ what: String) -> X509Error {
        if case .revoked = status { return X509Error(code: "revoked", message: "\(what) is revoked.") }
        return X509Error(
            code: "revocation_unknown", message: "\(what) may be revoked (\(status.word)): provide a current list.")
    }
}
