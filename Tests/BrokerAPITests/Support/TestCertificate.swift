import Foundation
import X509Trust

/// A server certificate in files.
struct TestCertificate: Sendable {
    let folder: URL
    var certificateFile: URL { folder.appending(path: "cert.pem") }
    var keyFile: URL { folder.appending(path: "key.pem") }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "claviger-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try renew()
    }

    /// Writes a new certificate with a new key over the old ones.
    func renew() throws {
        let authority = try CertificateAuthority.generate(commonName: "test", validity: .days(1, from: Date()))
        let issued = try authority.issue(
            commonName: "localhost", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], usage: .tlsServer,
            validity: .days(1, from: Date()))
        try Data((issued.certificate.pem + authority.certificatePEM).utf8).write(to: certificateFile)
        try Data(issued.keyPEM.copyBytes()).write(to: keyFile)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
