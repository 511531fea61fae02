import Encodings
import X509Trust

@testable import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    /// The bytes of an SEV-SNP report: what is read is written again without loss.
    func snpReport(_ bytes: [UInt8]) {
        guard let report = try? SNPReport(parsing: bytes) else { return }
        guard report.encoded() == bytes else { abort() }
        if let signature = report.signature.rawRepresentation {
            guard SNPSignature(rawRepresentation: signature) == report.signature else { abort() }
        }
        for product in SNPProduct.allCases {
            guard let levels = report.reportedTCB.levels(of: product) else { continue }
            guard SNPTCB(levels, product: product) == report.reportedTCB else { abort() }
        }
    }

    /// SEV-SNP evidence as JSON.
    func snpEvidence(_ bytes: [UInt8]) {
        guard let content = try? JSONValue(parsing: bytes), let evidence = try? SNPEvidence(content) else { return }
        snpReport(evidence.report)
    }

    /// A host's table of certificates: what comes out is in there.
    func snpTable(_ bytes: [UInt8]) {
        guard let table = try? SNPCertificateTable(parsing: bytes) else { return }
        guard table.endorsementKeys.values.allSatisfy({ $0.count <= bytes.count }) else { abort() }
    }

    /// The certificate of an endorsement key, and the values of AMD's extensions by themselves.
    func snpCertificate(_ bytes: [UInt8]) {
        _ = try? SNPCertificateExtensions.level(bytes)
        _ = SNPCertificateExtensions.hardwareID(bytes)
        _ = SNPCertificateExtensions.text(bytes)
        guard let certificate = try? Certificate(der: bytes), let key = try? SNPEndorsementKey(certificate) else {
            return
        }
        guard (key.hardwareID == nil) == (key.kind == .vlek), (key.cspID == nil) == (key.kind == .vcek) else { abort() }
    }
}
