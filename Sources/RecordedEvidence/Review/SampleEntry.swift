import RATS
import Verification

/// Recorded evidence that comes from no hardware.
enum SampleEntry {
    static func examination(
        _ entry: EvidenceManifest.Entry, in folder: EvidenceFolder
    ) throws(RecordedEvidenceError) -> EntryExamination {
        EntryExamination(
            forms: try folder.documents(entry, tee: .sample),
            reportData: entry.claims["expected_report_data"]?.hexBytes, careful: SampleVerifier(),
            lenient: SampleVerifier(), readings: [])
    }
}
