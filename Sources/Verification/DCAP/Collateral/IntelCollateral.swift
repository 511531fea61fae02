import FoundationEssentials
import RATS
import X509Trust

/// All that Intel says about the platform of one quote, with signatures verified.
struct IntelCollateral: Sendable {
    let tcbInfo: SignedCollateral<TCBInfo>
    let qeIdentity: SignedCollateral<QEIdentity>
    /// Of the root over its authorities.
    let rootList: IntelRevocationList
    /// Of the authority over platforms.
    let platformList: IntelRevocationList
    /// The least evaluation number that the TCB info had to have.
    let leastEvaluationNumber: UInt64

    /// Requires everything to be for this platform, in force at `date`, and signed with certificates that are neither
    /// expired nor revoked; the platform's own are among those looked up.
    ///
    /// Returns whether something has expired that is tolerated. Throws `collateral_mismatch`, `collateral_expired`,
    /// `collateral_not_yet_valid`, `revocation_unknown`, `revoked`, `chain_not_trusted`, `certificate_expired`, `certificate_not_yet_valid`.
    func check(
        for platform: PlatformCertificate, _ kind: CollateralName.IntelQuoteKind, at date: Date, grace: Duration
    ) throws(VerificationError) -> Bool {
        try IntelChain.require(platform.chain, at: date)
        try rootList.requireGood(platform.issuer)
        try platformList.requireGood(platform.chain.leaf)
        for signer in [tcbInfo.signer, qeIdentity.signer] {
            // The root's list says nothing about what another root has issued.
            guard signer.anchor == platform.chain.anchor else {
                throw VerificationError(
                    code: "chain_not_trusted",
                    message: "The platform's certificate and Intel's documents lead to different roots.")
            }
            try rootList.requireGood(signer.leaf)
            try IntelChain.require(signer, at: date)
        }
        let (info, identity) = (tcbInfo.content, qeIdentity.content)
        guard info.kind == kind else { throw .collateralMismatch(TCBInfo.title, "it is for \(info.kind.rawValue)") }
        guard info.fmspc == platform.platform.fmspc else {
            throw .collateralMismatch(TCBInfo.title, "its FMSPC is another family of platforms")
        }
        guard info.pceID == platform.platform.pceID else {
            throw .collateralMismatch(TCBInfo.title, "its PCE-ID differs")
        }
        guard identity.kind == kind else {
            throw .collateralMismatch(QEIdentity.title, "it is for \(identity.kind.rawValue)")
        }
        let validity = Validity(date: date, grace: grace)
        var hasExpired = try validity.check(TCBInfo.title, info.issued, info.nextUpdate)
        hasExpired = try validity.check(QEIdentity.title, identity.issued, identity.nextUpdate) || hasExpired
        for list in [rootList, platformList] { hasExpired = try validity.check(list) || hasExpired }
        return hasExpired
    }

    /// The lower of both evaluation numbers: what is said is no newer than its older part.
    var evaluationNumber: UInt32 { min(tcbInfo.content.evaluationNumber, qeIdentity.content.evaluationNumber) }
}

/// A moment and how long what ended before it is tolerated.
private struct Validity {
    let date: Date
    let grace: Duration

    func check(_ what: String, _ issued: Date, _ nextUpdate: Date) throws(VerificationError) -> Bool {
        guard issued <= date else {
            throw VerificationError(
                code: "collateral_not_yet_valid", message: "Intel's \(what) was issued later than now: check the clock."
            )
        }
        guard date > nextUpdate else { return false }
        guard date <= nextUpdate.addingTimeInterval(TimeInterval(grace.components.seconds)) else {
            throw VerificationError(
                code: "collateral_expired",
                message:
                    "Intel's \(what) has expired: its successor was due at \(nextUpdate.formatted(.iso8601)). Fetch it."
            )
        }
        return true
    }

    func check(_ list: IntelRevocationList) throws(VerificationError) -> Bool {
        let reason: String
        switch list.list.freshness(at: date, grace: grace) {
        case .fresh: return false
        case .withinGrace: return true
        case .stale: reason = "is out of date"
        case .future: reason = "is of the future"
        case .unbounded: reason = "does not say when the next one is due"
        }
        throw VerificationError(
            code: "revocation_unknown",
            message: "The revocation list for \(list.issuer.subject.prefix(200)) \(reason). Fetch a current one.")
    }
}
