import Broker
import FoundationEssentials
import Logging
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The server's certificate and key, read from files and read again when the files change.
///
/// Connections that are open keep what they were made with; a new handshake gets what was read last. Files that cannot be
/// used leave the old certificate in place, with a log entry.
final class CertificateFiles: Service {
    private struct Contents: Equatable {
        let certificate: [UInt8]
        let key: [UInt8]
    }

    private struct Loaded {
        let contents: Contents
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource

        var override: NIOSSLContextConfigurationOverride {
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = chain
            override.privateKey = key
            return override
        }
    }

    private let certificateFile: String
    private let keyFile: String
    private let interval: Duration
    private let logger: Logger
    private let loaded: Mutex<Loaded>

    /// Reads the files for the first time.
    init(certificateFile: String, keyFile: String, interval: Duration = .seconds(10), logger: Logger)
        throws(ConfigurationError)
    {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.interval = interval
        self.logger = logger
        loaded = Mutex(try Self.parse(try Self.read(certificateFile, keyFile), certificateFile))
    }

    /// TLS 1.2 and 1.3, the library's curves (X25519MLKEM768 first), and always the certificate that was read last.
    func tlsConfiguration() -> TLSConfiguration {
        let current = loaded.withLock { $0 }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: current.chain, privateKey: current.key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { [self] _, promise in promise.succeed(loaded.withLock { $0.override }) }
        return configuration
    }

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
            let contents = try Self.read(certificateFile, keyFile)
            guard loaded.withLock({ $0.contents != contents }) else { return }
            let fresh = try Self.parse(contents, certificateFile)
            loaded.withLock { $0 = fresh }
            logger.notice("server certificate reloaded")
        } catch {
            logger.error("server certificate not reloaded", metadata: ["reason": "\(error.message)"])
        }
    }

    private static func read(_ certificateFile: String, _ keyFile: String) throws(ConfigurationError) -> Contents {
        Contents(
            certificate: try ConfigurationFile.bytes(at: certificateFile), key: try ConfigurationFile.bytes(at: keyFile)
        )
    }

    private static func parse(_ contents: Contents, _ name: String) throws(ConfigurationError) -> Loaded {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(contents.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: contents.key, format: .pem))
            // A key that does not belong to the certificate shows here and not in the first handshake.
            _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: chain, privateKey: key))
            return Loaded(contents: contents, chain: chain, key: key)
        } catch {
            throw ConfigurationError(
                code: "invalid_certificate", message: "The certificate \(name) and its key cannot be used: \(error)")
        }
    }
}
