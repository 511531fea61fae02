import Encodings
import RATS
import Verification

/// Recorded reports of Hygon CSV guests.
struct CSVEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) async throws(RecordedEvidenceError) {
        let forms = try folder.documents(entry, tee: .csv) + rawForms()
        if forms.contains(where: { ($0.content["cert_chain"]?["hsk_cek"] ?? .null).isNull }) {
            return inspect(forms, &findings)
        }
        let prefix = entry.claims["report_data_prefix"]?.hexBytes
        // Claims of version 1 leave the policy out, which nobody signed; what the report says is compared all the same.
        let policy = forms.first.flatMap { try? CSVInspection(content: $0.content).report.policy }
        // Recorded reports are of version 1, which only a setting lets in.
        let verifier = OfflineVerifiers.csv(.lenient)
        let examination = EntryExamination(
            forms: forms, reportData: prefix, careful: verifier, lenient: verifier,
            readings: [
                FactReading("chip", claim: "serial_number"),
                FactReading("policy") { _ in policy.map { .string("0x" + String($0, radix: 16)) } },
            ])
        await examination.examine(entry, &findings)
    }

    /// The raw report with the certificates beside it; that of the platform's key stands in the report.
    private func rawForms() throws(RecordedEvidenceError) -> [Evidence] {
        guard let reportFile = entry.file("report.cert"), let authorityFile = entry.file("hsk.cert"),
            let chipFile = entry.file("cek.cert")
        else { return [] }
        let report = try folder.bytes(reportFile)
        guard let signer = try? CSVReport(parsing: report, magic: [UInt8](repeating: 0, count: 16), flags: 0) else {
            throw .unreadable(reportFile, "it is no report of version 1.")
        }
        func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
        return [
            Evidence(
                tee: .csv,
                content: [
                    "attestation_report": [
                        "data": text(report), "flags": 0, "magic": text([UInt8](repeating: 0, count: 16)),
                    ],
                    "cert_chain": [
                        "hsk_cek": [
                            "hsk": text(try folder.bytes(authorityFile)), "cek": text(try folder.bytes(chipFile)),
                        ],
                        "pek": text(signer.signer),
                    ],
                    "serial_number": text(signer.serialNumber),
                ])
        ]
    }

    /// Without the chip's certificates only the platform's own signature can be verified.
    private func inspect(_ forms: [Evidence], _ findings: inout EntryFindings) {
        for form in forms {
            do throws(VerificationError) {
                let inspection = try CSVInspection(content: form.content)
                findings.verdict("report signature good")
                if entry.expectation != .acceptCrypto { findings.differs("the chain to Hygon's root is missing") }
                findings.compare(
                    [
                        ("chip", JSONValue.string(inspection.serialNumber)),
                        ("policy", .string("0x" + String(inspection.report.policy, radix: 16))),
                    ].compactMap { name, found in
                        entry.claims[name].map { FactComparison(name: name, expected: $0, found: found) }
                    })
            } catch {
                findings.differs("it was refused: \(error.message)")
            }
        }
        findings.gap("the chip's certificates are not in it, so the chain ends at the platform's key")
    }
}
