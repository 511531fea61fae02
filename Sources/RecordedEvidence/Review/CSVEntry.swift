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
        let examination = EntryExamination(
            forms: forms, reportData: prefix, careful: OfflineVerifiers.csv, lenient: OfflineVerifiers.csv,
            readings: [
                FactReading("chip", claim: "serial_number"),
                FactReading("policy") { facts in Self.policy(facts.claims["policy"]) },
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

    /// The switches and versions as the number that they were.
    private static func policy(_ claims: JSONValue?) -> JSONValue? {
        guard let claims else { return nil }
        let names = ["nodbg", "noks", "es", "nosend", "domain", "csv", "csv3", "asid_reuse"]
        var number: UInt32 = 0
        for (bit, name) in names.enumerated() where claims[name] == 1 { number |= 1 << UInt32(bit) }
        for (name, shift) in [("hsk_version", 8), ("cek_version", 12), ("api_major", 16), ("api_minor", 24)] {
            number |= UInt32(truncatingIfNeeded: claims[name]?.intValue ?? 0) << UInt32(shift)
        }
        return .string("0x" + String(number, radix: 16))
    }
}
