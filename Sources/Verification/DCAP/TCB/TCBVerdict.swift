import RATS

/// What Intel's documents say of the platform, the TDX module and the quoting enclave behind a quote, taken together.
struct TCBVerdict: Sendable, Hashable {
    /// What the attester was started under.
    let rating: TCBRating
    /// What a trust domain runs under now; only for reports of TDX 1.5.
    let current: TCBRating?

    /// Compares a platform with its TCB info.
    ///
    /// - Parameters:
    ///   - enclave: What Intel says of the quoting enclave.
    ///   - report: The trust domain's report, `nil` for an SGX enclave.
    ///
    /// Throws `tcb_unsupported` where no level fits, `tcb_revoked`, and `tdx_module_mismatch`. All other statuses are left
    /// to policies.
    init(
        _ info: TCBInfo, platform: PCKExtension, enclave: TCBRating, report: TrustDomainReport?
    ) throws(VerificationError) {
        let comparison = TCBComparison(info: info, platform: platform, enclave: enclave)
        guard let report else {
            rating = try comparison.rating(nil)
            current = nil
            return
        }
        let launched = try comparison.rating(report[.tcbSVN], of: report)
        guard report.is15 else {
            rating = launched
            current = nil
            return
        }
        let running = try comparison.rating(report[.currentTCBSVN], of: report)
        rating = TCBRating(
            status: launched.status.advisingRelaunch(now: running.status), date: launched.date,
            advisories: launched.advisories)
        current = running
    }
}

/// One platform beside the TCB info of its family.
private struct TCBComparison {
    let info: TCBInfo
    let platform: PCKExtension
    let enclave: TCBRating

    /// The rating of a trust domain under these security versions (TEE_TCB_SVN).
    func rating(_ versions: ArraySlice<UInt8>, of report: TrustDomainReport) throws(VerificationError) -> TCBRating {
        let versions = Array(versions)
        guard versions.count == 16 else { throw .unsupportedTCB("a trust domain without security versions") }
        return try rating(versions, module: moduleRating(versions, report))
    }

    /// The rating of the platform, with the TDX module's for trust domains.
    func rating(_ versions: [UInt8]?, module: TCBRating? = nil) throws(VerificationError) -> TCBRating {
        guard let level = info.levels.first(where: { isReached($0, versions) }) else {
            throw .unsupportedTCB("this platform's security versions")
        }
        let parts = [module, enclave].compactMap { $0 }
        let status = parts.reduce(level.rating.status) { $0.converged(with: $1.status) }
        guard status != .revoked else {
            throw VerificationError(
                code: "tcb_revoked",
                message: "Intel has revoked the platform's security level, its TDX module or its quoting enclave.")
        }
        let advisories = Set(parts.reduce(level.rating.advisories) { $0 + $1.advisories })
        return TCBRating(status: status, date: level.rating.date, advisories: advisories.sorted())
    }

    private func isReached(_ level: TCBInfo.Level, _ versions: [UInt8]?) -> Bool {
        guard level.pceSVN <= platform.pceSVN,
            zip(level.components, platform.componentSVNs).allSatisfy({ $0 <= UInt16($1) })
        else { return false }
        guard let versions else { return true }
        guard let components = level.tdxComponents else { return false }
        // From major version 1 on the module has levels of its own, so its two version bytes are not compared here.
        let first = versions[1] > 0 ? 2 : 0
        return zip(components, versions).dropFirst(first).allSatisfy { $0 <= UInt16($1) }
    }

    /// Requires the TDX module to be Intel's; the rating is `nil` for major version 0, which the platform's levels cover.
    private func moduleRating(
        _ versions: [UInt8], _ report: TrustDomainReport
    ) throws(VerificationError) -> TCBRating? {
        let (minor, major) = (versions[0], versions[1])
        guard major > 0 else {
            guard let module = info.module else { throw .unsupportedTCB("the TDX module") }
            try module.require(report)
            return nil
        }
        guard let identity = info.modules[major] else { throw .unsupportedTCB("TDX modules of major version \(major)") }
        try identity.module.require(report)
        guard let rating = identity.levels.rating(of: UInt64(minor)) else {
            throw .unsupportedTCB("the TDX module's version \(major).\(minor)")
        }
        return rating
    }
}

extension TCBInfo.Module {
    fileprivate func require(_ report: TrustDomainReport) throws(VerificationError) {
        guard report[.seamSigner].elementsEqual(signer) else { throw .tdxModule("somebody else signed it") }
        let actual = zip(report[.seamAttributes], attributesMask).map { $0 & $1 }
        guard actual == zip(attributes, attributesMask).map({ $0 & $1 }) else {
            throw .tdxModule("its attributes differ, as those of a module for debugging do")
        }
    }
}
