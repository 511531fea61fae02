import Crypto
import Encodings
import FoundationEssentials
import X509Trust

extension VerifiedQuote {
    /// What checking the quote against Intel's collateral gave.
    func platformClaims() -> JSONObject {
        var claims = verdict.claims()
        claims["collateral_expiration_status"] = hasExpiredCollateral ? "1" : "0"
        let dates = CollateralDates(self)
        claims["earliest_issue_date"] = .time(dates.earliestIssue)
        claims["latest_issue_date"] = .time(dates.latestIssue)
        claims["earliest_expiration_date"] = .time(dates.earliestExpiration)
        claims["tcb_eval_num"] = .int(Int64(collateral.evaluationNumber))
        claims["root_ca_crl_num"] = collateral.rootList.number
        claims["pck_crl_num"] = collateral.platformList.number
        claims["root_key_id"] = .string(platform.rootKeyID)
        for (name, value) in platform.platform.claims() { claims[name] = value }
        return claims
    }
}

extension TCBVerdict {
    fileprivate func claims() -> JSONObject {
        var claims: JSONObject = [
            "tcb_status": .string(rating.status.rawValue), "tcb_date": .time(rating.date),
            "advisory_ids": .array(rating.advisories.map(JSONValue.string)),
        ]
        if let current {
            claims["tcb_status_current"] = .string(current.status.rawValue)
            claims["tcb_date_current"] = .time(current.date)
            claims["advisory_ids_current"] = .array(current.advisories.map(JSONValue.string))
        }
        return claims
    }
}

extension PCKExtension {
    /// What the platform's certificate says of it.
    func claims() -> JSONObject {
        let type =
            switch memoryProtection {
            case .standard: "Standard"
            case .scalable: "Scalable"
            case .scalableWithIntegrity: "Scalable with Integrity"
            }
        var claims: JSONObject = [
            "platform_provider_id": .string(Hex.encode(platformProviderID)), "sgx_type": .string(type),
        ]
        if let platformInstanceID { claims["platform_instance_id"] = .string(Hex.encode(platformInstanceID)) }
        if let isDynamic = configuration?.isDynamic { claims["is_dynamic_platform"] = .bool(isDynamic) }
        if let hasCachedKeys = configuration?.hasCachedKeys { claims["is_cached_keys"] = .bool(hasCachedKeys) }
        if let isOn = configuration?.hasHyperThreading { claims["is_smt_enabled"] = .bool(isOn) }
        return claims
    }
}

extension IntelRevocationList {
    /// The list's number; numbers beyond what JSON holds exactly are left out.
    fileprivate var number: JSONValue? {
        guard let number = list.number, number.count <= 4 else { return nil }
        return .int(number.reduce(0) { $0 << 8 | Int64($1) })
    }
}

/// When the pieces that a quote was checked with were issued and when the first of them ends.
private struct CollateralDates {
    private(set) var earliestIssue: Date
    private(set) var latestIssue: Date
    private(set) var earliestExpiration: Date

    init(_ verified: VerifiedQuote) {
        let (info, identity) = (verified.collateral.tcbInfo, verified.collateral.qeIdentity)
        (earliestIssue, latestIssue) = (info.content.issued, info.content.issued)
        earliestExpiration = info.content.nextUpdate
        add(identity.content.issued, identity.content.nextUpdate)
        for list in [verified.collateral.rootList.list, verified.collateral.platformList.list] {
            add(list.thisUpdate, list.nextUpdate ?? .distantFuture)
        }
        for chain in [verified.platform.chain, info.signer, identity.signer] {
            for certificate in chain.certificates { add(certificate.notBefore, certificate.notAfter) }
        }
    }

    private mutating func add(_ issued: Date, _ end: Date) {
        earliestIssue = min(earliestIssue, issued)
        latestIssue = max(latestIssue, issued)
        earliestExpiration = min(earliestExpiration, end)
    }
}

extension JSONValue {
    /// A time as RFC 3339 in UTC with whole seconds.
    static func time(_ date: Date) -> JSONValue { .string(date.formatted(.iso8601)) }
}
