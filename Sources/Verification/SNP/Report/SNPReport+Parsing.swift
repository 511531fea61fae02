import Encodings
public import RATS

extension SNPReport {
    /// Reads a report: exactly 1184 bytes, versions 2 to 5, with zero in every reserved byte.
    ///
    /// Throws `malformed_evidence` and, for another version, `unsupported_version`.
    public init(parsing bytes: [UInt8]) throws(VerificationError) {
        guard bytes.count == Self.byteCount else {
            throw .malformed("An SEV-SNP report has \(Self.byteCount) bytes, not \(bytes.count).")
        }
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            self = try Self.read(&reader)
        } catch {
            throw .malformed("The SEV-SNP report ends too early.")
        }
        guard (2...5).contains(version) else {
            throw .unsupportedVersion("SEV-SNP reports of version \(version) are not known.")
        }
        // Whatever is not read above is reserved, so it is zero exactly when writing the values gives the bytes again.
        guard encoded() == bytes else {
            throw .malformed("The SEV-SNP report has values in reserved bytes.")
        }
        guard !policy.hasUnknownBits, !keyInfo.hasUnknownBits else {
            throw .malformed("The SEV-SNP report has reserved bits set in its guest policy or key information.")
        }
    }

    /// The report's 1184 bytes.
    ///
    /// A digest or identifier that is shorter than its field is followed by zero bytes, a longer one is cut.
    public func encoded() -> [UInt8] {
        var writer = SNPReportWriter()
        writer.place(version, at: .version)
        writer.place(guestSVN, at: .guestSVN)
        writer.place(policy.rawValue, at: .policy)
        writer.place(familyID, at: .familyID)
        writer.place(imageID, at: .imageID)
        writer.place(vmpl, at: .vmpl)
        writer.place(signatureAlgorithm, at: .signatureAlgorithm)
        writer.place(currentTCB.rawValue, at: .currentTCB)
        writer.place(platformInfo.rawValue, at: .platformInfo)
        writer.place(keyInfo.rawValue, at: .keyInfo)
        writer.place(reportData, at: .reportData)
        writer.place(measurement, at: .measurement)
        writer.place(hostData, at: .hostData)
        writer.place(idKeyDigest, at: .idKeyDigest)
        writer.place(authorKeyDigest, at: .authorKeyDigest)
        writer.place(reportID, at: .reportID)
        writer.place(migrationAgentReportID, at: .migrationAgentReportID)
        writer.place(reportedTCB.rawValue, at: .reportedTCB)
        if version >= 3, let processor {
            writer.place([processor.family, processor.model, processor.stepping], at: .processor)
        }
        writer.place(chipID, at: .chipID)
        writer.place(committedTCB.rawValue, at: .committedTCB)
        writer.place([currentVersion.build, currentVersion.minor, currentVersion.major], at: .currentVersion)
        writer.place([committedVersion.build, committedVersion.minor, committedVersion.major], at: .committedVersion)
        writer.place(launchTCB.rawValue, at: .launchTCB)
        if version >= 5 {
            writer.place(launchMitigations, at: .launchMitigations)
            writer.place(currentMitigations, at: .currentMitigations)
        }
        writer.place(signature.r, at: .signatureR)
        writer.place(signature.s, at: .signatureS)
        return writer.bytes
    }

    /// Reads every field in the order of the structure.
    private static func read(_ reader: inout ByteReader) throws(ByteReaderError) -> SNPReport {
        let version = try reader.u32LE()
        let guestSVN = try reader.u32LE()
        let policy = SNPGuestPolicy(rawValue: try reader.u64LE())
        let familyID = try reader.bytes(16)
        let imageID = try reader.bytes(16)
        let vmpl = try reader.u32LE()
        let signatureAlgorithm = try reader.u32LE()
        let currentTCB = SNPTCB(rawValue: try reader.u64LE())
        let platformInfo = SNPPlatformInfo(rawValue: try reader.u64LE())
        let keyInfo = SNPKeyInfo(rawValue: try reader.u32LE())
        try reader.skip(4)
        let reportData = try reader.bytes(64)
        let measurement = try reader.bytes(48)
        let hostData = try reader.bytes(32)
        let idKeyDigest = try reader.bytes(48)
        let authorKeyDigest = try reader.bytes(48)
        let reportID = try reader.bytes(32)
        let migrationAgentReportID = try reader.bytes(32)
        let reportedTCB = SNPTCB(rawValue: try reader.u64LE())
        let processor = SNPProcessor(family: try reader.u8(), model: try reader.u8(), stepping: try reader.u8())
        try reader.skip(21)
        let chipID = try reader.bytes(64)
        let committedTCB = SNPTCB(rawValue: try reader.u64LE())
        let currentVersion = try SNPFirmwareVersion(from: &reader)
        let committedVersion = try SNPFirmwareVersion(from: &reader)
        let launchTCB = SNPTCB(rawValue: try reader.u64LE())
        let launchMitigations = try reader.u64LE()
        let currentMitigations = try reader.u64LE()
        try reader.skip(SNPReportField.signatureR.offset - reader.position)
        let signature = SNPSignature(r: try reader.bytes(72), s: try reader.bytes(72))
        return SNPReport(
            version: version, guestSVN: guestSVN, policy: policy, familyID: familyID, imageID: imageID, vmpl: vmpl,
            signatureAlgorithm: signatureAlgorithm, currentTCB: currentTCB, platformInfo: platformInfo,
            keyInfo: keyInfo, reportData: reportData, measurement: measurement, hostData: hostData,
            idKeyDigest: idKeyDigest, authorKeyDigest: authorKeyDigest, reportID: reportID,
            migrationAgentReportID: migrationAgentReportID, reportedTCB: reportedTCB,
            processor: version >= 3 ? processor : nil, chipID: chipID, committedTCB: committedTCB,
            currentVersion: currentVersion, committedVersion: committedVersion, launchTCB: launchTCB,
            launchMitigations: launchMitigations, currentMitigations: currentMitigations, signature: signature)
    }
}

extension SNPFirmwareVersion {
    /// Four bytes: build, minor, major and a reserved one.
    fileprivate init(from reader: inout ByteReader) throws(ByteReaderError) {
        build = try reader.u8()
        minor = try reader.u8()
        major = try reader.u8()
        try reader.skip(1)
    }
}
