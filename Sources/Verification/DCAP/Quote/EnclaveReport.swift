/// The report of an SGX enclave (SGX REPORT body, 384 bytes): of the enclave that a quote is about, and of the quoting
/// enclave itself.
package struct EnclaveReport: FixedLayout {
    /// The size of the report in bytes.
    package static let size = 384

    /// The report as it was signed.
    package let bytes: [UInt8]

    /// A report of these bytes; `nil` unless there are 384.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    /// A field of the report.
    package enum Field: String, LayoutField {
        case cpuSVN = "cpu_svn"
        case miscSelect = "misc_select"
        case reserved1
        case extendedProductID = "isv_ext_prod_id"
        case attributeFlags = "attributes.flags"
        case attributeFeatures = "attributes.xfrm"
        case enclaveMeasurement = "mr_enclave"
        case reserved2
        case signerMeasurement = "mr_signer"
        case reserved3
        case configurationID = "config_id"
        case productID = "isv_prod_id"
        case securityVersion = "isv_svn"
        case configurationVersion = "config_svn"
        case reserved4
        case familyID = "isv_family_id"
        case reportData = "report_data"

        package var range: Range<Int> {
            switch self {
            case .cpuSVN: 0..<16
            case .miscSelect: 16..<20
            case .reserved1: 20..<32
            case .extendedProductID: 32..<48
            case .attributeFlags: 48..<56
            case .attributeFeatures: 56..<64
            case .enclaveMeasurement: 64..<96
            case .reserved2: 96..<128
            case .signerMeasurement: 128..<160
            case .reserved3: 160..<192
            case .configurationID: 192..<256
            case .productID: 256..<258
            case .securityVersion: 258..<260
            case .configurationVersion: 260..<262
            case .reserved4: 262..<304
            case .familyID: 304..<320
            case .reportData: 320..<384
            }
        }
    }

    /// What the processor says of the enclave (ATTRIBUTES.FLAGS).
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// The host may read and write the enclave's memory.
        package static let debug = Flags(rawValue: 1 << 1)
        /// The enclave may derive the key that identifies the platform for provisioning.
        package static let provisioningKey = Flags(rawValue: 1 << 4)
    }

    /// The enclave's flags.
    package var flags: Flags { Flags(rawValue: integer(.attributeFlags)) }

    /// Whether all bytes that mean nothing are zero.
    package var reservedIsZero: Bool {
        [Field.reserved1, .reserved2, .reserved3, .reserved4].allSatisfy { field in self[field].allSatisfy { $0 == 0 } }
    }
}
