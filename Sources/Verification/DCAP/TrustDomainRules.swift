import RATS

/// What a trust domain may be allowed to do, beside what policies say of its claims.
public struct TrustDomainRules: Sendable, Hashable {
    /// Whether the host may read and write the trust domain's memory: never, unless a policy refuses such trust domains by
    /// the claim `td_attributes.debug`.
    public var allowsDebug: Bool
    /// Whether the host may profile the trust domain (TDATTRIBUTES bits 4 to 6), which opens side channels.
    public var allowsProfiling: Bool
    /// The measurements (MRSERVICETD, 48 bytes) of service trust domains that may reach into others, such as to migrate
    /// them; a trust domain that may be migrated must be bound to one of these.
    public var serviceTDs: Set<[UInt8]>

    /// The safe defaults: nothing is allowed.
    public init(allowsDebug: Bool = false, allowsProfiling: Bool = false, serviceTDs: Set<[UInt8]> = []) {
        self.allowsDebug = allowsDebug
        self.allowsProfiling = allowsProfiling
        self.serviceTDs = serviceTDs
    }

    /// Throws `debug_enabled`.
    func requireConfidential(_ report: TrustDomainReport) throws(VerificationError) {
        guard allowsDebug || !report.attributes.contains(.debug) else {
            throw VerificationError(
                code: "debug_enabled",
                message: "The trust domain is a debug one: its host can read all of it. Start it without debugging.")
        }
    }

    /// Throws `tdx_module_mismatch`, `profiling_enabled`, `service_td_not_allowed` and `migration_allowed`.
    func check(_ report: TrustDomainReport) throws(VerificationError) {
        guard report[.seamSigner].allSatisfy({ $0 == 0 }) else { throw .tdxModule("somebody else signed it") }
        guard allowsProfiling || report.attributes.isDisjoint(with: .profiling) else {
            throw VerificationError(
                code: "profiling_enabled",
                message: "The host may profile the trust domain, which opens side channels. Start it without.")
        }
        let serviceTD = Array(report[.serviceTD])
        let hasServiceTD = serviceTD.contains { $0 != 0 }
        guard !hasServiceTD || serviceTDs.contains(serviceTD) else {
            throw VerificationError(
                code: "service_td_not_allowed",
                message: "A service trust domain that nobody has allowed may reach into this trust domain.")
        }
        guard hasServiceTD || !report.attributes.contains(.migratable) else {
            throw VerificationError(
                code: "migration_allowed",
                message:
                    "The trust domain may be moved to other machines, and no service trust domain is known to do it.")
        }
    }
}
