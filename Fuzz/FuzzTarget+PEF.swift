import Encodings
import JOSE
import Measurement
import RATS
import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    func deviceTree(_ bytes: [UInt8]) {
        if let tree = try? FlattenedDeviceTree(parsing: bytes) {
            // What was read is written so that it reads the same.
            guard (try? FlattenedDeviceTree(parsing: tree.serialized())) == tree else { abort() }
        }
        guard let blob = try? ESMBlob(parsing: bytes) else { return }
        guard (try? ESMBlob(parsing: blob.serialized())) == blob else { abort() }
        // Nobody here has its key.
        if (try? blob.digests(key: SecretBytes([UInt8](repeating: 7, count: 32)))) != nil { abort() }
    }

    func pefEvidence(_ bytes: [UInt8], _ text: String) {
        _ = try? TPMCertification(parsing: bytes)
        // Nobody here signs.
        if (try? ESMStatement.verified(text, by: [])) != nil { abort() }
        guard let content = try? JSONValue(parsing: bytes) else { return }
        _ = try? PEFVerifier().statedReportData(in: Evidence(tee: .pef, content: content))
    }
}
