import FoundationEssentials
import RATS
import X509Trust

/// Believes endorsement keys: their certificates lead to a pinned root.
struct SNPEndorsement: Sendable {
    /// A key that is believed.
    struct Endorsed: Sendable {
        let key: SNPEndorsementKey
        let chain: VerifiedChain
    }

    /// How many keys are remembered: one for each chip, firmware and provider.
    private static let capacity = 4096

    let anchors: SNPTrustAnchors
    private let chains = VerifiedChainCache(capacity: capacity)
    private let keys = RecentValues<[UInt8], SNPEndorsementKey>(capacity: capacity)

    init(anchors: SNPTrustAnchors) {
        self.anchors = anchors
    }

    /// The product whose authority is named as the issuer of this certificate, not verified; `nil` when none is.
    func product(issuing der: [UInt8], kind: SNPEndorsementKeyKind) -> SNPProduct? {
        guard let issuer = (try? Certificate(der: der))?.issuer else { return nil }
        return SNPProduct.allCases.first { anchors[$0]?.issuer(of: kind).subject == issuer }
    }

    /// Verifies that the authority of `product` over keys of `kind` issued the certificate, that it is valid at `date`,
    /// and that it says what such a certificate must.
    ///
    /// Throws `signing_key_mismatch`, `product_not_allowed`, `chain_not_trusted`, `certificate_expired`,
    /// `certificate_not_yet_valid` and `malformed_evidence` (`collateral_unavailable` when it was collateral).
    func verify(
        _ source: SNPEndorsementKeySource, kind: SNPEndorsementKeyKind, product: SNPProduct, at date: Date
    ) throws(VerificationError) -> Endorsed {
        guard let authorities = anchors[product] else {
            throw VerificationError(
                code: "product_not_allowed", message: "No authority over \(product.rawValue) processors is trusted.")
        }
        let chain: VerifiedChain
        let key: SNPEndorsementKey
        do throws(X509Error) {
            chain = try chains.chain(
                leaf: source.der, issuers: [authorities.issuer(of: kind), authorities.root.certificate],
                anchors: [authorities.root], at: date)
            key = try keys.value(chain.leaf.fingerprint) { () throws(X509Error) in try SNPEndorsementKey(chain.leaf) }
        } catch {
            throw Self.refusal(error, of: source, kind: kind)
        }
        guard key.kind == kind else { throw .anotherKind(than: kind) }
        guard product.isNamed(key.productName) else {
            throw VerificationError(
                code: "signing_key_mismatch",
                message: "The key's certificate is for \(key.productName), the report from a \(product.rawValue).")
        }
        return Endorsed(key: key, chain: chain)
    }

    /// Why a certificate is refused: what it says of itself explains more than that nobody vouches for it.
    private static func refusal(
        _ error: X509Error, of source: SNPEndorsementKeySource, kind: SNPEndorsementKeyKind
    ) -> VerificationError {
        let key: SNPEndorsementKey
        do throws(X509Error) {
            key = try SNPEndorsementKey(Certificate(der: source.der))
        } catch {
            return VerificationError(
                code: source.isCollateral ? "collateral_unavailable" : "malformed_evidence", message: error.message)
        }
        guard key.kind == kind else { return .anotherKind(than: kind) }
        return VerificationError(code: error.code, message: error.message)
    }
}

extension VerificationError {
    static func anotherKind(than kind: SNPEndorsementKeyKind) -> VerificationError {
        VerificationError(
            code: "signing_key_mismatch",
            message: "The report names a \(kind.rawValue.uppercased()) as its key, the certificate is another kind's.")
    }
}
