import Encodings
import RATS
import Verification
import X509Trust

/// Recorded reports of NVIDIA's devices, and manifests of their registers.
struct NVIDIAEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) async throws(RecordedEvidenceError) {
        if entry.expectation == .trustAnchor { return try examineRoots(&findings) }
        if entry.id.hasPrefix("rim") { return try examineManifests(&findings) }
        let forms = try folder.documents(entry, tee: .nvidia) + rawForms()
        let trailing = Self.trailingBytes(forms)
        let examination = EntryExamination(
            forms: forms, reportData: entry.claims["nonce"]?.hexBytes, careful: OfflineVerifiers.nvidia(.careful),
            lenient: OfflineVerifiers.nvidia(.lenient),
            readings: [
                FactReading("arch", claim: "arch"), FactReading("nonce", claim: "eat_nonce"),
                Self.text("driver", "driver_version"), Self.text("vbios", "vbios_version"), Self.text("fwid", "fwid"),
                FactReading("measurements") { facts in
                    (facts.claims["measurements"]?.objectValue?.names.count).map { .int(Int64($0)) }
                },
                FactReading("leaf") { facts in facts.chain.first?.subjectCommonName.map { .string($0) } },
                FactReading("leaf_not_after") { facts in
                    facts.chain.first.map { .string(String($0.notAfter.formatted(.iso8601).prefix(10))) }
                },
                FactReading("chain") { facts in .int(Int64(facts.chain.count)) },
                FactReading("trailing") { _ in trailing.map { .int(Int64($0)) } },
            ])
        await examination.examine(entry, &findings)
    }

    /// The report and the chain of its key as files of their own.
    private func rawForms() throws(RecordedEvidenceError) -> [Evidence] {
        guard let report = entry.file("report.bin"), let chain = entry.file("chain.pem"),
            let architecture = entry.claims["arch"]?.stringValue
        else { return [] }
        let device: JSONValue = [
            "arch": .string(architecture), "evidence": .string(Base64.encode(try folder.bytes(report))),
            "certificate": .string(Base64.encode(try folder.bytes(chain))),
        ]
        return [Evidence(tee: .nvidia, content: ["device_evidence_list": [device]])]
    }

    private static func trailingBytes(_ forms: [Evidence]) -> Int? {
        guard let content = forms.first?.content, let device = try? NVIDIAEvidence(content).devices.first else {
            return nil
        }
        return try? NVIDIAReport(parsing: device.report, allowsTrailingZeros: true).trailingZeros
    }

    /// Manifests write an empty text where a report has no such field.
    private static func text(_ name: String, _ claim: String) -> FactReading {
        FactReading(name) { facts in facts.claims["config"]?[claim] ?? "" }
    }

    private func examineRoots(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        let pinned = Set((PinnedAnchor.nvidiaDevices + PinnedAnchor.nvidiaManifests).map(\.certificate))
        for file in entry.files {
            let pem = String(decoding: try folder.bytes(file), as: UTF8.self)
            guard let certificate = try? Certificate(pem: pem), pinned.contains(certificate) else {
                findings.differs("\(file) is not pinned")
                continue
            }
            findings.verdict("pinned")
            guard let name = file.split(separator: "/").last, let expected = entry.claims[String(name)] else {
                continue
            }
            findings.compare([
                FactComparison(
                    name: String(name), expected: expected, found: .string(Hex.encode(certificate.fingerprint)))
            ])
        }
    }

    private func examineManifests(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        for file in entry.files {
            let bytes = try folder.bytes(file)
            do throws(NVIDIAManifestError) {
                let manifest = try NVIDIAManifest(parsing: bytes)
                let isCurrent = entry.date.map { manifest.chain.isValid(at: $0) } ?? true
                findings.verdict(isCurrent ? "accepted" : "refused: certificate_expired")
                if isCurrent != (entry.expectation == .accept) { findings.differs("\(file) comes out the other way") }
            } catch {
                findings.verdict(error.isUntrusted ? "refused: not signed by NVIDIA" : "refused: malformed")
                if entry.expectation != .reject { findings.differs("\(file) was refused: \(error.message)") }
            }
        }
    }
}
