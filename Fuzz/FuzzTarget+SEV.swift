import Encodings
import RATS
import Verification

#if canImport(Glibc)
    import Glibc
#endif

/// Certificates, requests and measurements of AMD SEV.
extension FuzzTarget {
    func sevCertificate(_ bytes: [UInt8]) {
        if let authority = try? SEVAuthorityCertificate(parsing: bytes, "It") {
            guard authority.bytes == bytes, [832, 1600].contains(bytes.count) else { abort() }
        }
        guard let certificate = try? SEVCertificate(parsing: bytes, "It") else { return }
        guard certificate.bytes == bytes, bytes.count == SEVCertificate.byteCount else { abort() }
    }

    func sevRequest(_ bytes: [UInt8]) {
        let text = JSONValue.string(String(decoding: bytes, as: UTF8.self))
        guard let request = try? SEVRequest(text) else { return }
        // What is believed must lead to AMD: only recorded platforms do.
        let chain = request.chain
        let size = [chain.pdh, chain.pek, chain.oca, chain.cek].reduce(0) { $0 + $1.count }
        guard size <= 4 * SEVCertificate.byteCount, size <= bytes.count else { abort() }
        if let platform = try? SEVPlatform(chain, under: .amd), platform.sessionKey.count != 97 { abort() }
    }

    func sevEvidence(_ bytes: [UInt8]) {
        guard let content = try? JSONValue(parsing: bytes) else { return }
        let verifier = SEVVerifier(SEVVerifier.Options())
        guard let data = try? verifier.statedReportData(in: Evidence(tee: .sev, content: content)) else { return }
        guard data.count == 48 else { abort() }
    }
}
