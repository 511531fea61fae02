/// Verifies every entry of a manifest as a broker would, each at its own time, and compares what comes of it.
public struct ManifestReview: Sendable {
    private let folder: EvidenceFolder
    private let collateral: RecordedCollateral

    /// A review of files below `folder`, the manifest's own; collateral is what stands below `dcap-collateral`.
    ///
    /// Throws `unreadable_file`.
    public init(folder: EvidenceFolder) throws(RecordedEvidenceError) {
        self.folder = folder
        collateral = try RecordedCollateral(folder, below: "dcap-collateral")
    }

    /// What came of an entry. A file that cannot be read is a difference.
    public func result(for entry: EvidenceManifest.Entry) async -> EntryResult {
        var findings = EntryFindings()
        do throws(RecordedEvidenceError) {
            guard try await examine(entry, &findings) else {
                return EntryResult(
                    entry: entry, outcome: .notCovered, verdict: Self.reasonNotCovered(entry), comparedFacts: 0,
                    differences: [], gaps: [])
            }
        } catch {
            findings.differs(error.message)
        }
        return findings.result(for: entry)
    }

    /// Examines an entry; `false` when it is of a kind that asks for no verdict here.
    private func examine(
        _ entry: EvidenceManifest.Entry, _ findings: inout EntryFindings
    ) async throws(RecordedEvidenceError) -> Bool {
        switch (entry.group, entry.expectation) {
        case (_, .data): return false
        case ("sample", _): await (try SampleEntry.examination(entry, in: folder)).examine(entry, &findings)
        case ("snp", .trustAnchor), ("dcap-collateral", .trustAnchor): try AnchorEntry.examine(entry, folder, &findings)
        case ("snp", _) where entry.id == "crls": try AnchorEntry.examineLists(entry, folder, &findings)
        case ("snp", _) where entry.file("report.bin") == nil && entry.file("evidence.json") == nil:
            try AnchorEntry.examineKey(entry, folder, &findings)
        case ("snp", _): await (try SNPEntry.examination(entry, in: folder)).examine(entry, &findings)
        case ("tdx", _), ("sgx", _):
            var quote = QuoteEntry(entry, entry.group == "sgx" ? .sgx : .tdx, in: folder, collateral)
            try await quote.examine(&findings)
        case ("az-snp-vtpm", _), ("az-tdx-vtpm", _): try await AzureEntry.examine(entry, folder, collateral, &findings)
        case ("tpm", _): try await TPMEntry(entry, in: folder).examine(&findings)
        case ("cca", _): await (try CCAEntry(entry, in: folder).examination()).examine(entry, &findings)
        case ("nitro", .trustAnchor): try NitroEntry.examineRoots(entry, folder, &findings)
        case ("nitro", _): await (try NitroEntry.examination(entry, in: folder)).examine(entry, &findings)
        case ("nvidia", _): try await NVIDIAEntry(entry, in: folder).examine(&findings)
        case ("csv", _): try await CSVEntry(entry, in: folder).examine(&findings)
        case ("sev", _), ("sev-es", _): try SEVEntry(entry, in: folder).examine(&findings)
        case ("se", .knownAnswer): try SEEntry(entry, in: folder).examine(&findings)
        case ("dcap-collateral", _): try CollateralEntry(entry, in: folder, collateral).examine(&findings)
        case ("eventlog", .knownAnswer): try EventLogEntry.examine(entry, folder, &findings)
        default: return false
        }
        return true
    }

    private static func reasonNotCovered(_ entry: EvidenceManifest.Entry) -> String {
        entry.expectation == .data ? "input to read, without a verdict" : "\(entry.group) is not verified here"
    }
}
