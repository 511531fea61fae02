public import FoundationEssentials

/// What a set of revocation lists says about the certificates of a chain.
///
/// The signatures of the lists are verified when it is made. To ask for a moment is cheap, so it can be kept beside its
/// chain as long as the lists stay the same.
public struct ChainRevocation: Sendable {
    /// The chain.
    public let chain: VerifiedChain
    /// For each certificate below the anchor the lists that its issuer made and signed, and what they name it for.
    private let verdicts: [Verdict]

    private struct Verdict: Sendable {
        var lists: [RevocationList] = []
        var revokedSince: Date?
    }

    /// Looks for the lists that the issuers in the chain made and signed; all others are passed over.
    ///
    /// Throws `too_many_revocation_lists` beyond 64 of them.
    public init(chain: VerifiedChain, lists: [RevocationList]) throws(X509Error) {
        guard lists.count <= 64 else {
            throw X509Error(
                code: "too_many_revocation_lists", message: "There are \(lists.count) revocation lists instead of 64.")
        }
        self.chain = chain
        verdicts = zip(chain.certificates, chain.certificates.dropFirst()).map { certificate, issuer in
            Self.verdict(on: certificate, issuer, lists)
        }
    }

    private static func verdict(
        on certificate: Certificate, _ issuer: Certificate, _ lists: [RevocationList]
    ) -> Verdict {
        var verdict = Verdict()
        for list in lists {
            do throws(X509Error) { try list.verify(issuer: issuer) } catch { continue }
            verdict.lists.append(list)
            guard let date = list.revocation(ofSerial: certificate.serialNumber) else { continue }
            verdict.revokedSince = min(verdict.revokedSince ?? date, date)
        }
        return verdict
    }

    /// The status of each certificate below the anchor at a moment, the leaf's first.
    ///
    /// A certificate is revoked when any list of its issuer names it, how old or new the list may be; it is good when
    /// it is not and a list of its issuer is fresh. A list that is stale, future-dated or without end, and one whose
    /// issuer or signature is another, makes nothing good.
    ///
    /// - Parameter grace: how long a list is tolerated after the next one was due.
    public func statuses(at date: Date, grace: Duration = .zero) -> [RevocationStatus] {
        verdicts.map { Self.status($0, at: date, grace) }
    }

    private static func status(_ verdict: Verdict, at date: Date, _ grace: Duration) -> RevocationStatus {
        if let since = verdict.revokedSince { return .revoked(since: since) }
        var best: RevocationStatus?
        // The newest list decides unless it is not in force yet.
        for list in verdict.lists.sorted(by: { $0.thisUpdate > $1.thisUpdate }) {
            switch (list.freshness(at: date, grace: grace), list.nextUpdate) {
            case (.fresh, let next?): return .good(nextUpdate: next, isWithinGrace: false)
            case (.withinGrace, let next?): return .good(nextUpdate: next, isWithinGrace: true)
            case (.stale, _): best = best ?? .unknown(.stale)
            case (.future, _): best = best ?? .unknown(.future)
            case (.unbounded, _), (.fresh, nil), (.withinGrace, nil): best = best ?? .unknown(.unbounded)
            }
        }
        return best ?? .unknown(.noList)
    }
}
