import Crypto
import FoundationEssentials
import RATS
import X509Trust

/// Asks AMD's revocation lists about the authorities of a chain.
struct SNPRevocation: Sendable {
    private static let capacity = 4096

    let policy: RevocationPolicy
    private let lists = RecentValues<[UInt8], RevocationList>(capacity: 16)
    private let revocations = RecentValues<[UInt8], ChainRevocation>(capacity: capacity)

    init(policy: RevocationPolicy) {
        self.policy = policy
    }

    /// What is known of the authority that issued the chain's leaf, when the list is at hand: asking for it may take its
    /// time, in which the chain may expire too.
    ///
    /// Throws `certificate_expired`, `revoked` and, unless the policy lets it in, `revocation_unknown` when there is no
    /// list that can be believed.
    func status(
        of chain: VerifiedChain, product: SNPProduct, kind: SNPEndorsementKeyKind, context: VerificationContext
    ) async throws(VerificationError) -> RevocationStatus {
        let list = await list(product: product, kind: kind, context: context)
        let date = context.clock.now()
        guard chain.isValid(at: date) else {
            throw VerificationError(
                code: "certificate_expired", message: "A certificate of AMD's expired while its list was asked for.")
        }
        do throws(X509Error) {
            let digest = Array(SHA256.hash(data: chain.leaf.fingerprint + (list?.fingerprint ?? [])))
            let revocation = try revocations.value(digest) { () throws(X509Error) in
                try ChainRevocation(chain: chain, lists: list.map { [$0] } ?? [])
            }
            let statuses = try policy.check(revocation, at: date)
            return statuses.count > 1 ? statuses[1] : .unknown(.noList)
        } catch {
            throw VerificationError(code: error.code, message: error.message)
        }
    }

    /// The list at hand, not believed. None is as good as one that cannot be read: the policy decides about both.
    private func list(
        product: SNPProduct, kind: SNPEndorsementKeyKind, context: VerificationContext
    ) async -> RevocationList? {
        guard let name = CollateralName.amdRevocationList(product: product.collateralName, kind: kind),
            let item = try? await context.collateral.item(name)
        else { return nil }
        return try? lists.value(Array(SHA256.hash(data: item.body))) { () throws(X509Error) in
            try RevocationList(der: item.body)
        }
    }
}

extension RevocationStatus {
    /// The step that asking for this status was.
    var step: VerificationStep {
        switch self {
        case .good(_, isWithinGrace: false): .passed("revocation", "AMD's current list does not name the authority")
        case .good(_, isWithinGrace: true): .passed("revocation", "AMD's list, overdue but within its grace, does not")
        case .revoked, .unknown: .skipped("revocation", "no list of AMD's that counts is at hand (\(word))")
        }
    }
}
