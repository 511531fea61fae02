import RATS

/// What Azure's paravisor (its host compatibility layer, HCL) keeps in the virtual TPM: the processor's report about
/// itself and the runtime data that this report vouches for.
package struct HCLReport: Sendable, Hashable {
    /// What kind of report the processor made.
    package enum Kind: UInt32, Sendable, Hashable {
        /// A report of AMD SEV-SNP, 1184 bytes.
        case snp = 2
        /// A TDREPORT of Intel TDX, 1024 bytes.
        case tdx = 4
    }

    /// The kind of the processor's report.
    package let kind: Kind
    /// The processor's report.
    package let hardwareReport: [UInt8]
    /// How the runtime data is digested.
    package let hash: TCGHash
    /// The runtime data: JSON, exactly as it was digested.
    package let runtimeData: [UInt8]

    /// The largest report that is read; the usual one has 2600 bytes.
    private static let maximumSize = 32_768
    private static let signature: UInt32 = 0x414C_4348  // "HCLA"
    private static let hardwareReportSize = 1184
    private static let tdReportSize = 1024
    /// Where the part with the runtime data begins.
    private static let runtimeOffset = 1216
    /// What precedes the runtime data in its own part.
    private static let runtimeHeaderSize: UInt32 = 20

    /// Reads a report: header, processor's report, runtime data, and nothing but zeros after it.
    ///
    /// Throws `malformed_evidence` and `unsupported_version`.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The HCL report")
        guard bytes.count <= Self.maximumSize else { throw reader.malformed("It has \(bytes.count) bytes.") }
        let end = try Self.header(&reader)
        let hardware = try reader.bytes(Self.hardwareReportSize)
        let dataSize = try reader.u32LE()
        let dataVersion = try reader.u32LE()
        let kind = try reader.u32LE()
        let hash = try reader.u32LE()
        let size = try reader.u32LE()
        guard dataVersion == 1 else {
            throw .unsupportedVersion("The HCL's runtime data is of version \(dataVersion).")
        }
        guard let kind = Kind(rawValue: kind) else {
            throw reader.malformed("The processor's report is of kind \(kind).")
        }
        guard let hash = Self.hashes[hash] else { throw reader.malformed("The hash algorithm is \(hash).") }
        guard size <= UInt32.max - Self.runtimeHeaderSize, dataSize == size + Self.runtimeHeaderSize,
            UInt64(end) == UInt64(Self.runtimeOffset) + UInt64(dataSize)
        else {
            throw reader.malformed("The sizes of its runtime data contradict each other.")
        }
        self.kind = kind
        self.hash = hash
        runtimeData = try reader.bytes(Int(size))
        try reader.requireZeros()
        hardwareReport = try Self.report(hardware, kind, reader)
    }

    private static let hashes: [UInt32: TCGHash] = [1: .sha256, 2: .sha384, 3: .sha512]

    /// Reads the header and returns where the runtime data ends by its word.
    private static func header(_ reader: inout EvidenceReader) throws(VerificationError) -> UInt32 {
        guard try reader.u32LE() == signature else { throw reader.malformed("It does not begin with HCLA.") }
        let version = try reader.u32LE()
        guard (1...2).contains(version) else { throw .unsupportedVersion("The HCL report is of version \(version).") }
        let end = try reader.u32LE()
        let request = try reader.u32LE()
        let status = try reader.u32LE()
        guard request == 2, status == 0 else {
            throw reader.malformed("It answers request \(request) with status \(status).")
        }
        guard try reader.bytes(12).allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Reserved bytes are not zero.")
        }
        return end
    }

    private static func report(
        _ bytes: [UInt8], _ kind: Kind, _ reader: EvidenceReader
    ) throws(VerificationError) -> [UInt8] {
        guard kind == .tdx else { return bytes }
        guard bytes[tdReportSize...].allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("Bytes after the TDREPORT are not zero.")
        }
        return Array(bytes[..<tdReportSize])
    }

    /// Whether `reportData` of the processor's report is the digest of the runtime data and zeros.
    func isVouched(by reportData: some Collection<UInt8>) -> Bool {
        guard let digest = hash.digest(of: runtimeData), digest.count <= reportData.count else { return false }
        return reportData.starts(with: digest) && reportData.dropFirst(digest.count).allSatisfy { $0 == 0 }
    }
}
