package import FoundationEssentials
package import RATS
package import X509Trust

/// Verifies host-key documents: certificates of machines that IBM signed with a key which is no authority in the sense of
/// RFC 5280, so that no chain of the usual kind leads to them.
package struct SEHostKeyTrust: Sendable {
    /// The roots that are believed.
    let anchors: [PinnedAnchor]
    /// IBM's signing certificates, and the authorities that lead from them to a root.
    let authorities: [Certificate]
    /// Lists of the signing key and of its authority; without a current one of either nothing is believed.
    let lists: [RevocationList]
    let grace: Duration

    /// What is believed of host-key documents.
    package init(
        anchors: [PinnedAnchor], authorities: [Certificate], lists: [RevocationList], grace: Duration = .zero
    ) {
        self.anchors = anchors
        self.authorities = authorities
        self.lists = lists
        self.grace = grace
    }

    /// The machine's key, when its document is good at this moment.
    ///
    /// Throws `host_key_not_trusted`, `certificate_expired`, `certificate_not_yet_valid`, `revoked`,
    /// `revocation_unknown` and `chain_not_trusted`.
    package func verify(_ document: Certificate, at date: Date) throws(VerificationError) -> SEHostKey {
        try Self.require(document, validAt: date)
        guard let key = SEHostKey(document) else { throw Self.refusal("Its key is not on P-521.") }
        guard Self.mayAgreeOnKeys(document) else { throw Self.refusal("Its key is for another use.") }
        var reason = Self.refusal("None of IBM's signing certificates that are known signed it.")
        for signer in authorities where IBMName.isSigner(signer.subjectAttributes) {
            guard Self.issued(signer, document) else { continue }
            do throws(VerificationError) {
                try requireTrust(in: signer, at: date)
                try requireGood(document, signer, at: date)
                return key
            } catch {
                reason = error
            }
        }
        throw reason
    }

    private static func issued(_ signer: Certificate, _ document: Certificate) -> Bool {
        guard let key = try? signer.publicKey, document.isSigned(by: key),
            IBMName.areEqual(document.issuerAttributes, signer.subjectAttributes)
        else { return false }
        // Names of two signing certificates may be the same; where the document names the key, it must be this one.
        guard let identifier = KeyIdentifier.authority(of: document) else { return true }
        return identifier == KeyIdentifier.subject(of: signer)
    }

    /// The signing certificate itself leads to a root in the usual way, and its issuer's list must not name it.
    private func requireTrust(in signer: Certificate, at date: Date) throws(VerificationError) {
        do throws(X509Error) {
            let chain = try CertificateChain.verify(path: path(from: signer), anchors: anchors, at: date)
            let statuses = try ChainRevocation(chain: chain, lists: lists).statuses(at: date, grace: grace)
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

    private func path(from signer: Certificate) -> [Certificate] {
        var path = [signer]
        var left = authorities
        while let last = path.last, path.count < 8 {
            if let root = anchors.first(where: { Self.signed(last, by: $0.certificate) }) {
                return path + [root.certificate]
            }
            guard let index = left.firstIndex(where: { !path.contains($0) && Self.signed(last, by: $0) }) else {
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

    /// The list over documents is the signing key's, in whichever of its two names.
    private func requireGood(
        _ document: Certificate, _ signer: Certificate, at date: Date
    ) throws(VerificationError) {
        guard let key = try? signer.publicKey else { throw Self.refusal("Its signer has no key.") }
        let own = lists.filter {
            IBMName.areEqual($0.issuerAttributes, signer.subjectAttributes) && $0.isSigned(by: key)
        }
        guard own.allSatisfy({ $0.revocation(ofSerial: document.serialNumber) == nil }) else {
            throw VerificationError(code: "revoked", message: "The host-key document is revoked by IBM.")
        }
        let isCurrent = own.contains { [.fresh, .withinGrace].contains($0.freshness(at: date, grace: grace)) }
        guard isCurrent else {
            throw VerificationError(
                code: "revocation_unknown",
                message: "The host-key document may be revoked: provide IBM's current revocation list over host keys.")
        }
    }

    private static func require(_ document: Certificate, validAt date: Date) throws(VerificationError) {
        guard document.notBefore <= date else {
            throw VerificationError(
                code: "certificate_not_yet_valid", message: "The host-key document is not valid yet.")
        }
        guard date <= document.notAfter else {
            throw VerificationError(
                code: "certificate_expired",
                message: "The host-key document was valid until \(document.notAfter.formatted(.iso8601)).")
        }
    }

    /// Key usage (RFC 5280 section 4.2.1.3), where the document says anything of it.
    private static func mayAgreeOnKeys(_ document: Certificate) -> Bool {
        guard let usage = document.extensionValue("2.5.29.15") else { return true }
        return usage.count >= 4 && usage[0] == 0x03 && usage[3] & 0x08 != 0
    }

    private static func revocation(_ status: RevocationStatus, _ what: String) -> X509Error {
        if case .revoked = status { return X509Error(code: "revoked", message: "\(what) is revoked.") }
        return X509Error(
            code: "revocation_unknown", message: "\(what) may be revoked (\(status.word)): provide a current list.")
    }

    private static func refusal(_ reason: String) -> VerificationError {
        VerificationError(code: "host_key_not_trusted", message: "The host-key document is refused. \(reason)")
    }
}
