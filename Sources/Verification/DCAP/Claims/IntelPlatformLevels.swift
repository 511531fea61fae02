import Encodings
import RATS

extension VerifiedQuote {
    private static let componentCount = 16
    // Written once: every verification names all of them.
    private static let platformNames = (1...componentCount).map { "sgx_tcb_svn_\($0)" }
    private static let moduleNames = (0..<componentCount).map { "tee_tcb_svn_\($0)" }

    /// The firmware that the platform's certificate stands for, and the TDX module beneath a trust domain.
    ///
    /// The machine is named by its PPID, which all certificates have, and by its instance identifier only where that is zero.
    /// The quoting enclave is left out: it is software that each host, and with SGX each container, brings along, and
    /// Intel's identity document judges it.
    ///
    /// A report of TDX 1.5 says which module runs now. Reports of TDX 1.0 say only which one the domain was started under:
    /// one that was started before an update in place shows less than its neighbours until it is started again. Both have
    /// the same names nevertheless: the host chooses the form of the quote, and would choose one that nothing is known of.
    ///
    /// - Parameter report: The trust domain's report, `nil` for an enclave.
    func platformLevels(about report: TrustDomainReport?) -> PlatformLevels? {
        let certified = platform.platform
        var levels = [String: Int64](minimumCapacity: 2 * Self.componentCount + 1)
        levels["pce_svn"] = Int64(certified.pceSVN)
        for (name, version) in zip(Self.platformNames, certified.componentSVNs) { levels[name] = Int64(version) }
        if let report {
            let versions = report[report.is15 ? .currentTCBSVN : .tcbSVN].map { Int64($0) }
            // The module counts anew with each major version, which stands behind the minor one.
            if versions.count > 1 { levels["tee_tcb_svn_module"] = versions[1] << 8 | versions[0] }
            for (name, version) in zip(Self.moduleNames, versions).dropFirst(2) { levels[name] = version }
        }
        let hasPPID = certified.platformProviderID.contains { $0 != 0 }
        return PlatformLevels(
            maker: .intel,
            identifier: hasPPID ? certified.platformProviderID : certified.platformInstanceID ?? [], levels: levels,
            about: [
                "fmspc": .string(Hex.encode(certified.fmspc)), "tcb_status": .string(verdict.rating.status.rawValue),
                "tcb_date": .time(verdict.rating.date), "tcb_eval_num": .int(Int64(collateral.evaluationNumber)),
            ])
    }
}
