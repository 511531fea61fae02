import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded collateral of Intel's.
struct CollateralEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder
    private let collateral: RecordedCollateral

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder, _ collateral: RecordedCollateral) {
        self.entry = entry
        self.folder = folder
        self.collateral = collateral
    }

    func examine(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        let documents = entry.files.filter { $0.hasSuffix(".json") && !$0.hasSuffix("/original.json") }
        guard !documents.isEmpty else { return findings.differs("it has no document") }
        for file in documents {
            let facts = collateral.facts(of: try folder.bytes(file))
            switch (entry.expectation, facts) {
            case (.accept, .some(let facts)): compare(facts, file, &findings)
            case (.accept, nil): findings.differs("\(file) is not believed")
            case (_, .some): findings.differs("\(file) is believed under Intel's root")
            case (_, nil): break
            }
        }
        findings.verdict(entry.expectation == .accept ? "believed" : "refused")
        if entry.expectation == .acceptWithOwnRoot { try examineOwnRoot(documents, &findings) }
    }

    /// The manifest states facts of the whole entry, or of each file by its name.
    private func compare(_ facts: JSONObject, _ file: String, _ findings: inout EntryFindings) {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        let expected = entry.claims[name]?.objectValue ?? (name == "tcb_info.json" ? entry.claims : [:])
        findings.compare(
            facts.compactMap { fact, value in
                expected[fact].map { FactComparison(name: "\(name) \(fact)", expected: $0, found: value) }
            })
    }

    private func examineOwnRoot(
        _ documents: [String], _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        guard let rootFile = entry.file("trustedRootCaCert.pem"), let chainFile = entry.file("tcbSignChain.pem"),
            let root = try certificates(rootFile).first,
            let signer = try certificates(chainFile).first(where: { $0 != root })
        else { return findings.differs("its root or its signer is missing") }
        let anchor = PinnedAnchor(name: root.subjectCommonName ?? "root", certificate: root)
        for file in documents {
            let bytes = try folder.bytes(file)
            let item = CollateralItem(body: bytes, issuerChain: [signer.der, root.der])
            let refusals = RecordedCollateral.names(of: bytes, file).map { refusal(of: item, named: $0, under: anchor) }
            if refusals.contains(where: { $0 == nil }) { continue }
            // A signature is verified before the format is looked at.
            if refusals.contains(where: { $0?.code == "unsupported_collateral_version" }) {
                findings.gap("\(file) is signed under its own root, in a format that is refused whoever signs it")
            } else {
                findings.differs("\(file) is not believed under its own root")
            }
        }
        findings.verdict("believed under its own root")
    }

    private func refusal(
        of item: CollateralItem, named name: CollateralName, under anchor: PinnedAnchor
    ) -> CollateralError? {
        do throws(CollateralError) {
            _ = try IntelCollateralInspector(anchors: [anchor]).inspect(item, named: name)
            return nil
        } catch {
            return error
        }
    }

    private func certificates(_ file: String) throws(RecordedEvidenceError) -> [Certificate] {
        (try? Certificate.all(pem: String(decoding: folder.bytes(file), as: UTF8.self))) ?? []
    }
}
