import Broker
import Encodings
import FoundationEssentials
import HTTPServing
import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The server's certificate and key, read from files and read again when the files change.
///
/// Files that cannot be used leave the old certificate in place, with a log entry.
final class CertificateFiles: Service {
    private struct Contents: Equatable {
        let certificate: [UInt8]
        let key: SecretBytes
    }

    private let certificateFile: String
    private let keyFile: String
    private let interval: Duration
    private let logger: Logger
    private let contents: Mutex<Contents>
    private let certificate: ExchangeableCertificate

    /// Reads the files for the first time.
    init(certificateFile: String, keyFile: String, interval: Duration = .seconds(10), logger: Logger)
        throws(ConfigurationError)
    {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.interval = interval
        self.logger = logger
        let contents = try Self.read(certificateFile, keyFile)
        do throws(UnusableCertificate) {
            certificate = try ExchangeableCertificate(chain: contents.certificate, key: contents.key)
        } catch {
            throw Self.unusable(certificateFile, error)
        }
        self.contents = Mutex(contents)
    }

    /// How the server talks TLS, always with the certificate that was read last.
    func tlsConfiguration() -> TLSConfiguration { certificate.tlsConfiguration() }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: self.interval)
                self.reload()
            }
        }
    }

    /// Reads the files again and takes them over when they changed and are good.
    func reload() {
        do throws(ConfigurationError) {
            let fresh = try Self.read(certificateFile, keyFile)
            guard contents.withLock({ $0 != fresh }) else { return }
            do throws(UnusableCertificate) {
                try certificate.exchange(chain: fresh.certificate, key: fresh.key)
            } catch {
                throw Self.unusable(certificateFile, error)
            }
            contents.withLock { $0 = fresh }
            logger.notice("server certificate reloaded")
        } catch {
            logger.error("server certificate not reloaded", metadata: ["reason": "\(error.message)"])
        }
    }

    private static func read(_ certificateFile: String, _ keyFile: String) throws(ConfigurationError) -> Contents {
        let certificate = try ConfigurationFile.bytes(at: certificateFile)
        var key = try ConfigurationFile.bytes(at: keyFile)
        return Contents(certificate: certificate, key: SecretBytes(wiping: &key))
    }

    private static func unusable(_ name: String, _ error: UnusableCertificate) -> ConfigurationError {
        ConfigurationError(
            code: "invalid_certificate",
            message: "The certificate \(name) and its key cannot be used: \(error.message)")
    }
}
