import Encodings
import RATS
import Verification
import X509Trust

/// Recorded documents of AWS Nitro enclaves.
enum NitroEntry {
    static func examination(
        _ entry: EvidenceManifest.Entry, in folder: EvidenceFolder
    ) throws(RecordedEvidenceError) -> EntryExamination {
        var forms = try folder.documents(entry, tee: .nitro)
        if let file = entry.file("document.cose") {
            let document = Base64.encode(try folder.bytes(file))
            forms.append(Evidence(tee: .nitro, content: ["document": .string(document)]))
        }
        let registers = entry.claims["pcrs"]?.objectValue?.names ?? []
        return EntryExamination(
            forms: forms, reportData: entry.claims["user_data"]?.hexBytes, careful: OfflineVerifiers.nitro(.careful),
            lenient: OfflineVerifiers.nitro(.lenient),
            readings: [
                FactReading("module_id", claim: "module_id"), FactReading("digest", claim: "digest"),
                FactReading("nonce", claim: "nonce"), FactReading("user_data", claim: "user_data"),
                FactReading("pcrs") { facts in
                    .object(JSONObject(registers.map { ($0, facts.claims["pcr\($0)"] ?? .null) }))
                },
                FactReading("public_key_len") { facts in
                    facts.claims["public_key"]?.hexBytes.map { .int(Int64($0.count)) }
                },
            ])
    }

    /// Each root of the manifest must be the one that is pinned.
    static func examineRoots(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        for file in entry.files where file.hasSuffix(".pem") {
            let text = String(decoding: try folder.bytes(file), as: UTF8.self)
            guard let root = try? Certificate(pem: text),
                PinnedAnchor.nitro.contains(where: { $0.certificate == root })
            else {
                findings.differs("\(file) is not pinned")
                continue
            }
            findings.verdict("pinned")
            if let expected = entry.claims["sha256"] {
                findings.compare([
                    FactComparison(name: "sha256", expected: expected, found: .string(Hex.encode(root.fingerprint)))
                ])
            }
        }
    }
}
