import RATS

/// The report of a trust domain that never left its processor (TDREPORT, 1024 bytes), as the paravisor keeps it.
///
/// It is not signed; a quote of the same domain tells whether it is right.
struct TDReport: FixedLayout {
    let bytes: [UInt8]

    enum Field: String, LayoutField {
        case reportData
        case tcbSVN
        case seamMeasurement
        case seamSigner
        case seamAttributes
        case attributes
        case features
        case launchMeasurement
        case configurationID
        case owner
        case ownerConfiguration
        case register0
        case register1
        case register2
        case register3

        var range: Range<Int> {
            switch self {
            // The part that the processor made (REPORTMACSTRUCT).
            case .reportData: 128..<192
            // What was measured of the TDX module (TEE_TCB_INFO).
            case .tcbSVN: 264..<280
            case .seamMeasurement: 280..<328
            case .seamSigner: 328..<376
            case .seamAttributes: 376..<384
            // The part that the TDX module made (TDINFO_STRUCT).
            case .attributes: 512..<520
            case .features: 520..<528
            case .launchMeasurement: 528..<576
            case .configurationID: 576..<624
            case .owner: 624..<672
            case .ownerConfiguration: 672..<720
            case .register0: 720..<768
            case .register1: 768..<816
            case .register2: 816..<864
            case .register3: 864..<912
            }
        }

        /// The field of a quote's body that must be the same.
        fileprivate var quoted: TrustDomainReport.Field {
            switch self {
            case .reportData: .reportData
            case .tcbSVN: .tcbSVN
            case .seamMeasurement: .seamMeasurement
            case .seamSigner: .seamSigner
            case .seamAttributes: .seamAttributes
            case .attributes: .attributes
            case .features: .features
            case .launchMeasurement: .launchMeasurement
            case .configurationID: .configurationID
            case .owner: .owner
            case .ownerConfiguration: .ownerConfiguration
            case .register0: .register0
            case .register1: .register1
            case .register2: .register2
            case .register3: .register3
            }
        }
    }

    /// Throws `hardware_report_mismatch` unless everything that the quote says of the domain is here too.
    func require(equals report: TrustDomainReport) throws(VerificationError) {
        for field in Field.allCases where self[field] != report[field.quoted] {
            throw VerificationError(
                code: "hardware_report_mismatch",
                message: "The quote is of another trust domain than the HCL report: \(field.quoted.rawValue) differs.")
        }
    }
}
