import Encodings
public import FoundationEssentials

/// What a verifier demands of revocation lists. By default every certificate below the anchor must be known to be good.
public struct RevocationPolicy: Sendable, Hashable {
    /// Which certificates must be known to be good.
    public enum Coverage: String, Sendable, Hashable, CaseIterable {
        /// All below the anchor.
        case everyCertificate = "every_certificate"
        /// All below the anchor except the leaf, for systems whose leaves no list covers, such as AMD SEV-SNP.
        case issuersOnly = "issuers_only"
        /// None: lists are heeded where they are there.
        case none
    }

    /// Which certificates must be known to be good.
    public var coverage: Coverage
    /// How long a list is tolerated after the next one was due.
    public var grace: Duration

    /// A policy; without arguments the strictest.
    public init(coverage: Coverage = .everyCertificate, grace: Duration = .zero) {
        self.coverage = coverage
        self.grace = grace
    }

    /// The statuses of all certificates below the anchor at a moment, the leaf's first, when they satisfy the policy.
    ///
    /// A certificate that a list names is refused whatever the policy. Throws `revoked` and `revocation_unknown`.
    @discardableResult
    public func check(_ revocation: ChainRevocation, at date: Date) throws(X509Error) -> [RevocationStatus] {
        let statuses = revocation.statuses(at: date, grace: grace)
        for (index, (status, certificate)) in zip(statuses, revocation.chain.certificates).enumerated() {
            let serial = Hex.encode(certificate.serialNumber)
            let what = "The certificate \(certificate.subject.prefix(200)) with serial number \(serial)"
            switch status {
            case .good: continue
            case .revoked: throw X509Error(code: "revoked", message: "\(what) is revoked by its issuer.")
            case .unknown(let reason):
                guard isRequired(index) else { continue }
                throw X509Error(
                    code: "revocation_unknown",
                    message: "\(what) may be revoked: \(Self.sentence(reason)). Provide a current revocation list.")
            }
        }
        return statuses
    }

    private func isRequired(_ index: Int) -> Bool {
        switch coverage {
        case .everyCertificate: true
        case .issuersOnly: index > 0
        case .none: false
        }
    }

    private static func sentence(_ reason: RevocationStatus.UnknownReason) -> String {
        switch reason {
        case .noList: "there is no revocation list that its issuer signed"
        case .stale: "its issuer's revocation list is out of date"
        case .future: "its issuer's revocation list is of the future"
        case .unbounded: "its issuer's revocation list does not say when the next one is due"
        }
    }
}
