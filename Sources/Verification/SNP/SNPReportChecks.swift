import Encodings
import RATS

/// What a report whose signature verified must still say, in the order in which it is asked.
struct SNPReportChecks {
    let report: SNPReport
    let product: SNPProduct
    let key: SNPEndorsementKey
    let options: SNPVerifier.Options
    private(set) var steps: [VerificationStep]

    init(
        report: SNPReport, product: SNPProduct, key: SNPEndorsementKey, options: SNPVerifier.Options,
        steps: [VerificationStep]
    ) {
        self.report = report
        self.product = product
        self.key = key
        self.options = options
        self.steps = steps
    }

    /// Makes all checks. Throws at the first that fails.
    mutating func run() throws(VerificationError) {
        try checkOwner()
        try checkFirmware()
        try checkPrivilege()
        try checkPolicy()
        try checkPlatform()
        try checkIDBlock()
    }

    /// The key belongs to the chip that the report names, or to a provider that is let in.
    private mutating func checkOwner() throws(VerificationError) {
        if let cspID = key.cspID {
            guard let providers = options.providers else {
                steps.append(.skipped("provider", "keys of every provider are let in; this is \(cspID)'s"))
                return
            }
            guard providers.contains(cspID) else {
                throw VerificationError(
                    code: "provider_not_allowed", message: "The report is signed by the key of provider \(cspID).")
            }
            steps.append(.passed("provider", cspID))
            return
        }
        if report.chipID.allSatisfy({ $0 == 0 }) {
            guard options.allowsMaskedChipID else { throw .chipIDMasked }
            steps.append(.skipped("chip identifier", "the host masks it, which is let in here"))
            return
        }
        let hardwareID = key.hardwareID ?? []
        let rest = report.chipID.dropFirst(product.hardwareIDByteCount)
        guard hardwareID.count == product.hardwareIDByteCount, report.chipID.starts(with: hardwareID),
            rest.allSatisfy({ $0 == 0 })
        else {
            throw VerificationError(
                code: "chip_id_mismatch", message: "The report names another chip than the certificate of the key.")
        }
        steps.append(.passed("chip identifier", "the certificate's \(hardwareID.count) bytes"))
    }

    /// The key is that of the reported firmware, which is neither older than wanted nor contradicts the rest.
    private mutating func checkFirmware() throws(VerificationError) {
        guard let reported = report.reportedTCB.levels(of: product),
            let committed = report.committedTCB.levels(of: product),
            let current = report.currentTCB.levels(of: product), let launch = report.launchTCB.levels(of: product)
        else { throw .malformed("The report has a TCB version that its product does not write.") }
        guard reported == key.levels else {
            throw VerificationError(
                code: "tcb_mismatch",
                message: "The report says firmware \(reported), the certificate of its key \(key.levels).")
        }
        steps.append(.passed("firmware of the key", "\(reported)"))
        guard committed.isAtLeast(reported), current.isAtLeast(committed),
            !options.requiresReportedTCBAtLaunch || launch.isAtLeast(reported)
        else {
            throw VerificationError(
                code: "tcb_inconsistent",
                message: "The reported firmware \(reported) is newer than what is committed (\(committed)), "
                    + "runs (\(current)) or ran at launch (\(launch)).")
        }
        steps.append(.passed("order of firmware", "committed \(committed); current \(current); launch \(launch)"))
        guard let minimum = options.minimumTCB[product] else {
            steps.append(.skipped("minimum firmware", "none is set for \(product.rawValue)"))
            return
        }
        guard reported.isAtLeast(minimum), !options.appliesMinimumTCBToLaunch || launch.isAtLeast(minimum) else {
            throw VerificationError(
                code: "tcb_below_minimum",
                message: "The firmware \(options.appliesMinimumTCBToLaunch ? "at launch or now " : "")(\(reported)) "
                    + "is older than \(minimum). Update the host's firmware and microcode.")
        }
        steps.append(.passed("minimum firmware", "\(minimum)"))
    }

    private mutating func checkPrivilege() throws(VerificationError) {
        // The host's own requests have a number that no list can allow.
        guard report.vmpl <= 3, options.vmpls.contains(report.vmpl) else {
            throw VerificationError(
                code: "vmpl_not_allowed",
                message: report.vmpl <= 3
                    ? "Software at privilege level \(report.vmpl) asked for the report, which is not let in."
                    : "The report was asked for by the host, not by the guest.")
        }
        steps.append(.passed("privilege level", "\(report.vmpl)"))
    }

    private mutating func checkPolicy() throws(VerificationError) {
        let policy = report.policy
        guard options.allowsDebug || !policy.contains(.debugAllowed) else {
            throw VerificationError(
                code: "debug_enabled", message: "The guest's policy lets the host read and write its memory.")
        }
        guard policy.contains(.mustBeOne) else {
            throw VerificationError(
                code: "guest_policy_invalid", message: "Bit 17 of the guest's policy is not set, as it always is.")
        }
        guard options.allowsMigration || !policy.contains(.migrationAgentAllowed) else {
            throw VerificationError(
                code: "migration_allowed", message: "The guest's policy lets a migration agent export it.")
        }
        let interface = SNPInterfaceVersion(major: policy.abiMajor, minor: policy.abiMinor)
        if let minimum = options.minimumABI, interface < minimum {
            throw VerificationError(
                code: "abi_below_minimum",
                message: "The guest agrees to firmware interface \(interface.major).\(interface.minor), "
                    + "older than \(minimum.major).\(minimum.minor).")
        }
        steps.append(.passed("guest policy", "0x\(String(policy.rawValue, radix: 16))"))
    }

    private mutating func checkPlatform() throws(VerificationError) {
        guard report.policy.contains(.smtAllowed) || !report.platformInfo.contains(.smtEnabled) else {
            throw VerificationError(
                code: "smt_mismatch", message: "Hyper-threading is on, but the guest's policy forbids it.")
        }
        let unknown = report.platformInfo.unknown
        if !unknown.isEmpty {
            let bits = String(unknown.rawValue, radix: 16)
            steps.append(.skipped("platform information", "nobody here knows what its bits 0x\(bits) mean"))
        }
        let required = options.requiredPlatform
        guard report.platformInfo.isSuperset(of: required) else {
            let missing = required.subtracting(report.platformInfo).names.joined(separator: ", ")
            throw VerificationError(
                code: "platform_requirement_missing", message: "The machine lacks what is required: \(missing).")
        }
        if required.isEmpty {
            steps.append(.skipped("platform", "nothing is required of it"))
        } else {
            steps.append(.passed("platform", required.names.joined(separator: ", ")))
        }
    }

    private mutating func checkIDBlock() throws(VerificationError) {
        guard let wanted = options.idBlock else {
            steps.append(.skipped("ID block", "no key is required to have signed it"))
            return
        }
        guard wanted.idKeyDigests?.contains(report.idKeyDigest) ?? true, hasAuthor(wanted) else {
            throw VerificationError(
                code: "id_block_not_allowed", message: "None of the allowed keys signed the guest's ID block.")
        }
        guard wanted.familyIDs?.contains(report.familyID) ?? true, wanted.imageIDs?.contains(report.imageID) ?? true
        else {
            throw VerificationError(
                code: "id_block_not_allowed", message: "The guest's ID block names another family or image.")
        }
        guard report.guestSVN >= wanted.minimumGuestSVN else {
            throw VerificationError(
                code: "guest_svn_below_minimum",
                message: "The guest's security version \(report.guestSVN) is below \(wanted.minimumGuestSVN).")
        }
        steps.append(.passed("ID block", "signed by an allowed key, security version \(report.guestSVN)"))
    }

    private func hasAuthor(_ wanted: SNPIDBlockRequirement) -> Bool {
        guard let authors = wanted.authorKeyDigests else { return true }
        return report.keyInfo.hasAuthorKey && authors.contains(report.authorKeyDigest)
    }
}
