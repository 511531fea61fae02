/// The report of a TDX trust domain (TD): 584 bytes as TDX 1.0 defines it, 648 bytes with TDX 1.5.
package struct TrustDomainReport: FixedLayout {
    /// The size of a report of TDX 1.0 in bytes.
    package static let size10 = 584
    /// The size of a report of TDX 1.5 in bytes.
    package static let size15 = 648

    /// The report as it was signed.
    package let bytes: [UInt8]

    /// A report of these bytes; `nil` unless there are 584 or 648.
    package init?(bytes: [UInt8]) {
        guard [Self.size10, Self.size15].contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    /// Whether the report has the fields that TDX 1.5 added.
    package var is15: Bool { bytes.count == Self.size15 }

    /// A field of the report.
    package enum Field: String, LayoutField {
        case tcbSVN = "tcb_svn"
        case seamMeasurement = "mr_seam"
        case seamSigner = "mrsigner_seam"
        case seamAttributes = "seam_attributes"
        case attributes = "td_attributes"
        case features = "xfam"
        case launchMeasurement = "mr_td"
        case configurationID = "mr_config_id"
        case owner = "mr_owner"
        case ownerConfiguration = "mr_owner_config"
        case register0 = "rtmr_0"
        case register1 = "rtmr_1"
        case register2 = "rtmr_2"
        case register3 = "rtmr_3"
        case reportData = "report_data"
        /// TDX 1.5: the security versions that protect the TD now, after an update under the running TD.
        case currentTCBSVN = "tee_tcb_svn2"
        /// TDX 1.5: the measurement of the service TDs bound to this one.
        case serviceTD = "mr_servicetd"

        package var range: Range<Int> {
            switch self {
            case .tcbSVN: 0..<16
            case .seamMeasurement: 16..<64
            case .seamSigner: 64..<112
            case .seamAttributes: 112..<120
            case .attributes: 120..<128
            case .features: 128..<136
            case .launchMeasurement: 136..<184
            case .configurationID: 184..<232
            case .owner: 232..<280
            case .ownerConfiguration: 280..<328
            case .register0: 328..<376
            case .register1: 376..<424
            case .register2: 424..<472
            case .register3: 472..<520
            case .reportData: 520..<584
            case .currentTCBSVN: 584..<600
            case .serviceTD: 600..<648
            }
        }
    }

    /// What the TD is allowed to do (TDATTRIBUTES).
    package struct Attributes: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// The host may read and write the TD's memory and registers.
        package static let debug = Attributes(rawValue: 1 << 0)
        /// The host may profile the TD: HGS+, performance and PMT profiling.
        package static let profiling = Attributes(rawValue: 0b111 << 4)
        /// Touching memory that was taken away stops the TD instead of telling it.
        package static let withoutSurpriseFaults = Attributes(rawValue: 1 << 28)
        /// A service TD may move this TD, with its state, to another platform.
        package static let migratable = Attributes(rawValue: 1 << 29)
        /// The TD may use supervisor protection keys.
        package static let protectionKeys = Attributes(rawValue: 1 << 30)
        /// The TD may use Key Locker.
        package static let keyLocker = Attributes(rawValue: 1 << 31)
        /// The TD may use performance counters.
        package static let performanceCounters = Attributes(rawValue: 1 << 63)
    }

    /// The TD's attributes.
    package var attributes: Attributes { Attributes(rawValue: integer(.attributes)) }
}
