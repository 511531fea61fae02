import Broker
import CoreMetrics
import FoundationEssentials
import NIOSSL
import ServiceLifecycle

/// Tells for how long the certificate in the server's file still holds, whether or not the server could take it over.
struct CertificateExpiry: Service {
    private let certificateFile: String
    private let interval: Duration
    private let gauge: Gauge

    init(certificateFile: String, interval: Duration = .seconds(60), factory: any MetricsFactory) {
        self.certificateFile = certificateFile
        self.interval = interval
        gauge = Gauge(label: "claviger_tls_certificate_expiry_seconds", dimensions: [], factory: factory)
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                record(at: Date())
                try await Task.sleep(for: interval)
            }
        }
    }

    /// A file that cannot be read leaves the last figure: the server goes on with the certificate that it has.
    func record(at now: Date) {
        guard let bytes = try? ConfigurationFile.bytes(at: certificateFile),
            let certificate = try? NIOSSLCertificate.fromPEMBytes(bytes).first
        else { return }
        gauge.record(Double(certificate.notValidAfter) - now.timeIntervalSince1970)
    }
}
