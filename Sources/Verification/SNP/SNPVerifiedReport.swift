import Encodings
import FoundationEssentials
import RATS
import X509Trust

/// A report that is believed.
struct SNPVerifiedReport: Sendable {
    let report: SNPReport
    let product: SNPProduct
    let key: SNPEndorsementKey
    let revocation: RevocationStatus
    /// What was checked, in the order of the work.
    let steps: [VerificationStep]
    /// The certificates (DER) of the signing key, its own first, the root last.
    let chain: [[UInt8]]

    /// The claims of kind `snp`: the names that policies of other brokers know, then ours.
    ///
    /// Digests and identifiers are lower-case hexadecimal, levels and versions numbers.
    func claims() -> JSONObject {
        var claims = JSONObject()
        addKnownClaims(to: &claims)
        addIdentity(to: &claims)
        addLevels("committed", report.committedTCB, to: &claims)
        addLevels("launch", report.launchTCB, to: &claims)
        claims["vek_type"] = .string(key.kind.rawValue.uppercased())
        if let cspID = key.cspID { claims["csp_id"] = .string(cspID) }
        claims["product"] = .string(product.rawValue)
        claims["crl_status"] = .string(revocation.word)
        claims["vek_not_after"] = .string(key.certificate.notAfter.formatted(.iso8601))
        return claims
    }

    /// The firmware that the processor reports, and what it can no longer be put back below.
    ///
    /// What ran when the guest was started is left out: a guest that has been running for long is no rollback.
    var platform: PlatformLevels? {
        var levels: [String: Int64] = [:]
        for (name, tcb) in [("reported", report.reportedTCB), ("committed", report.committedTCB)] {
            guard let parts = tcb.levels(of: product) else { continue }
            levels["\(name)_tcb_bootloader"] = Int64(parts.bootloader)
            levels["\(name)_tcb_tee"] = Int64(parts.tee)
            levels["\(name)_tcb_snp"] = Int64(parts.snp)
            levels["\(name)_tcb_microcode"] = Int64(parts.microcode)
            if let fmc = parts.fmc { levels["\(name)_tcb_fmc"] = Int64(fmc) }
        }
        return PlatformLevels(
            maker: .amd, identifier: machine, levels: levels, about: ["product": .string(product.rawValue)])
    }

    /// The chip that the signing key is certified for, also where the host masks its identifier in the report.
    ///
    /// A provider's key (VLEK) can name any chip. Reports by it are kept apart, so that whoever gets hold of one such key
    /// cannot have the chips of others remembered with levels that they never had.
    private var machine: [UInt8] {
        if let hardwareID = key.hardwareID {
            return hardwareID + [UInt8](repeating: 0, count: max(0, report.chipID.count - hardwareID.count))
        }
        guard let cspID = key.cspID, report.chipID.contains(where: { $0 != 0 }) else { return [] }
        return Array("vlek \(cspID)".utf8) + report.chipID
    }

    private func addKnownClaims(to claims: inout JSONObject) {
        let policy = report.policy
        claims["policy_abi_major"] = .int(Int64(policy.abiMajor))
        claims["policy_abi_minor"] = .int(Int64(policy.abiMinor))
        claims["policy_smt_allowed"] = .bool(policy.contains(.smtAllowed))
        claims["policy_migrate_ma"] = .bool(policy.contains(.migrationAgentAllowed))
        claims["policy_debug_allowed"] = .bool(policy.contains(.debugAllowed))
        claims["policy_single_socket"] = .bool(policy.contains(.singleSocket))
        addLevels("reported", report.reportedTCB, to: &claims)
        claims["platform_tsme_enabled"] = .bool(report.platformInfo.contains(.tsmeEnabled))
        claims["platform_smt_enabled"] = .bool(report.platformInfo.contains(.smtEnabled))
        claims["measurement"] = .string(Hex.encode(report.measurement))
        claims["report_data"] = .string(Hex.encode(report.reportData))
        claims["init_data"] = .string(Hex.encode(report.hostData))
        claims["chip_id"] = .string(Hex.encode(report.chipID))
    }

    private func addIdentity(to claims: inout JSONObject) {
        claims["version"] = .int(Int64(report.version))
        claims["vmpl"] = .int(Int64(report.vmpl))
        claims["guest_svn"] = .int(Int64(report.guestSVN))
        claims["family_id"] = .string(Hex.encode(report.familyID))
        claims["image_id"] = .string(Hex.encode(report.imageID))
        claims["id_key_digest"] = .string(Hex.encode(report.idKeyDigest))
        claims["author_key_digest"] = .string(Hex.encode(report.authorKeyDigest))
        claims["platform_alias_check"] = .bool(report.platformInfo.contains(.aliasCheckComplete))
        claims["platform_ciphertext_hiding"] = .bool(report.platformInfo.contains(.ciphertextHiding))
        let platform = report.platformInfo.rawValue
        claims["platform_info"] = Int64(exactly: platform).map { .int($0) } ?? .uint(platform)
        claims["platform_unknown_bits"] = .bool(!report.platformInfo.unknown.isEmpty)
    }

    private func addLevels(_ name: String, _ tcb: SNPTCB, to claims: inout JSONObject) {
        guard let levels = tcb.levels(of: product) else { return }
        if let fmc = levels.fmc { claims["\(name)_tcb_fmc"] = .int(Int64(fmc)) }
        claims["\(name)_tcb_bootloader"] = .int(Int64(levels.bootloader))
        claims["\(name)_tcb_tee"] = .int(Int64(levels.tee))
        claims["\(name)_tcb_snp"] = .int(Int64(levels.snp))
        claims["\(name)_tcb_microcode"] = .int(Int64(levels.microcode))
    }
}
