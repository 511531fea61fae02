import Encodings
import RATS
import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    func svsmManifest(_ bytes: [UInt8]) {
        guard let manifest = try? SVSMManifest(parsing: bytes) else { return }
        // What is believed of a manifest lies in it.
        guard manifest.endorsementKey.bytes.count <= bytes.count else { abort() }
        guard let name = manifest.endorsementKey.name else { return }
        if let credential = try? TPMCredential([1, 2, 3], for: name, to: manifest.endorsementKey) {
            guard credential.blob.count > 5, credential.encryptedSeed.count > 64 else { abort() }
        }
    }

    func svsmEvidence(_ bytes: [UInt8]) {
        guard let content = try? JSONValue(parsing: bytes) else { return }
        let stated = try? SVSMVerifier().statedReportData(in: Evidence(tee: .svsmVTPM, content: content))
        guard stated == nil || stated?.count == 64 else { abort() }
    }

    func dcuEvidence(_ bytes: [UInt8]) {
        if let report = try? DCUReport(parsing: bytes), report.userData.count != 64 { abort() }
        guard let content = try? JSONValue(parsing: bytes) else { return }
        let stated = try? DCUVerifier().statedReportData(in: Evidence(tee: .hygondcu, content: content))
        guard stated == nil || stated?.count == 64 else { abort() }
    }
}
