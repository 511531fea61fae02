import Encodings

/// What Azure's paravisor (its host compatibility layer, HCL) keeps in the virtual TPM: the processor's report, and the
/// runtime data that this report vouches for. Only what the guest needs of it is looked at.
struct HCLReport: Sendable, Hashable {
    /// What kind of report the processor made.
    enum Kind: UInt32, Sendable, Hashable {
        /// A report of AMD SEV-SNP.
        case snp = 2
        /// A TDREPORT of Intel TDX.
        case tdx = 4
    }

    /// The report as it is in the index.
    let bytes: [UInt8]
    let kind: Kind
    /// What the guest had the paravisor put into the runtime data, in hexadecimal digits; nil from paravisors that do not.
    let userData: [UInt8]?

    private static let signature = Array("HCLA".utf8)
    private static let maximumBytes = 32_768
    private static let tdReport = 32..<1056
    private static let kindOffset = 1224
    private static let runtimeData = 1236

    /// The TDREPORT, 1024 bytes.
    var tdReport: [UInt8] { Array(bytes[Self.tdReport]) }

    /// Reads a report. Throws `evidence_failed` when it is none.
    init(parsing bytes: [UInt8]) throws(GuestError) {
        guard bytes.count <= Self.maximumBytes, bytes.count >= Self.runtimeData, bytes.starts(with: Self.signature),
            let kind = Kind(rawValue: Self.number(bytes, at: Self.kindOffset))
        else { throw Self.malformed("It is no HCL report of SEV-SNP or TDX.") }
        let count = Self.number(bytes, at: Self.runtimeData - 4)
        guard count <= UInt32(bytes.count - Self.runtimeData) else { throw Self.malformed("Its runtime data is cut.") }
        let data = Array(bytes[Self.runtimeData..<Self.runtimeData + Int(count)])
        guard let object = try? JSONObject(parsing: data, limits: JSONLimits(maximumBytes: 32_768, maximumDepth: 8))
        else { throw Self.malformed("Its runtime data is no JSON object.") }
        self.bytes = bytes
        self.kind = kind
        userData = object["user-data"]?.stringValue.flatMap { try? Hex.decode($0) }
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func malformed(_ reason: String) -> GuestError {
        GuestError(.evidence, "The report in the virtual TPM is not understood. \(reason)")
    }
}
