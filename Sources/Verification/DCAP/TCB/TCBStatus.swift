import FoundationEssentials

/// How a platform compares with what Intel recommends, by the words of Intel's documents.
package enum TCBStatus: String, Sendable, Hashable {
    case upToDate = "UpToDate"
    case softwareHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSoftwareHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    /// The trust domain was started under something out of date that has been updated since.
    case relaunchAdvised = "TDRelaunchAdvised"
    case relaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"
    case revoked = "Revoked"

    /// The words that a level in Intel's documents may carry; advice to relaunch is a verdict, not a level.
    static let ofLevels: Set<TCBStatus> = [
        .upToDate, .softwareHardeningNeeded, .configurationNeeded, .configurationAndSoftwareHardeningNeeded, .outOfDate,
        .outOfDateConfigurationNeeded, .revoked,
    ]

    private var needsConfiguration: Bool {
        switch self {
        case .configurationNeeded, .configurationAndSoftwareHardeningNeeded, .outOfDateConfigurationNeeded,
            .relaunchAdvisedConfigurationNeeded:
            true
        default: false
        }
    }

    /// This status of the platform after a part of it, the TDX module or the quoting enclave, was rated too: what is out
    /// of date or revoked there is so here, and no part makes the platform better.
    func converged(with part: TCBStatus) -> TCBStatus {
        switch (part, self) {
        case (.revoked, _), (_, .revoked): .revoked
        case (.outOfDate, .upToDate), (.outOfDate, .softwareHardeningNeeded): .outOfDate
        case (.outOfDate, .configurationNeeded), (.outOfDate, .configurationAndSoftwareHardeningNeeded):
            .outOfDateConfigurationNeeded
        default: self
        }
    }

    /// This status of what the trust domain was started under, given the status of what it runs under now.
    func advisingRelaunch(now current: TCBStatus) -> TCBStatus {
        guard self == .outOfDate || self == .outOfDateConfigurationNeeded else { return self }
        switch current {
        case .upToDate, .softwareHardeningNeeded, .configurationNeeded, .configurationAndSoftwareHardeningNeeded:
            return needsConfiguration || current.needsConfiguration
                ? .relaunchAdvisedConfigurationNeeded : .relaunchAdvised
        default: return self
        }
    }
}

/// What Intel says of one level of security.
struct TCBRating: Sendable, Hashable {
    let status: TCBStatus
    /// The level is as good as what was current at this time.
    let date: Date
    /// Identifiers of the advisories that apply, such as `INTEL-SA-00960`.
    let advisories: [String]
}
