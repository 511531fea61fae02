import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded roots, revocation lists and keys, without evidence.
enum AnchorEntry {
    /// Each certificate that a manifest calls a root or an authority must be one that is pinned.
    static func examine(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        let anchors = SNPProduct.allCases.compactMap { SNPTrustAnchors.amd[$0] }
        let pinned = Set(
            PinnedAnchor.intel.map(\.certificate)
                + anchors.flatMap { [$0.root.certificate, $0.chipAuthority, $0.providerAuthority] })
        for file in entry.files where file.hasSuffix(".der") {
            let der = try folder.bytes(file)
            guard let certificate = try? Certificate(der: der), pinned.contains(certificate) else {
                findings.differs("\(file) is not pinned")
                continue
            }
            findings.verdict("pinned")
        }
    }

    /// AMD's revocation lists must be signed by the pinned root of their product.
    static func examineLists(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        let inspector = SNPCollateralInspector()
        for file in entry.files {
            let product = file.split(separator: "/").last?.prefix { $0 != "." } ?? ""
            let item = CollateralItem(body: try folder.bytes(file))
            guard let name = CollateralName.amdRevocationList(product: String(product), kind: .vcek) else { continue }
            do throws(CollateralError) {
                let validity = try inspector.inspect(item, named: name)
                findings.compare(dates(of: validity, entry.claims[String(product)], file))
                findings.verdict("believed")
            } catch {
                findings.differs("\(file) is not believed: \(error.message)")
            }
        }
    }

    private static func dates(
        of validity: CollateralValidity, _ expected: JSONValue?, _ file: String
    ) -> [FactComparison] {
        let found = [("thisUpdate", validity.issued), ("nextUpdate", validity.nextUpdate ?? .distantFuture)]
        return found.compactMap { name, date in
            expected?[name].map {
                FactComparison(
                    name: "\(file) \(name)", expected: $0, found: .string(String(date.formatted(.iso8601).prefix(10))))
            }
        }
    }

    /// A key's certificate alone: whether it leads to a pinned root of AMD's.
    static func examineKey(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        guard let file = entry.file("vcek.der") else { return findings.differs("it has no certificate") }
        let der = try folder.bytes(file)
        let isBelieved = SNPProduct.allCases.compactMap { SNPTrustAnchors.amd[$0] }.contains { authorities in
            guard let key = try? Certificate(der: der) else { return false }
            let path = [key, authorities.chipAuthority, authorities.root.certificate]
            let date = entry.date ?? key.notBefore
            return (try? CertificateChain.verify(path: path, anchors: [authorities.root], at: date)) != nil
        }
        findings.verdict(isBelieved ? "accepted" : "refused: chain_not_trusted")
        if isBelieved != (entry.expectation != .reject) { findings.differs("the certificate's chain is the other way") }
    }
}
