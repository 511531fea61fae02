public import Encodings
public import NIOSSL
import Synchronization

/// A TLS server's certificate and key, which can be exchanged while it serves.
///
/// Connections that are open keep what they were made with; a new handshake gets what was set last.
public final class ExchangeableCertificate: Sendable {
    private struct Loaded {
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource

        var override: NIOSSLContextConfigurationOverride {
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = chain
            override.privateKey = key
            return override
        }
    }

    private let loaded: Mutex<Loaded>

    /// A certificate to begin with.
    ///
    /// - Parameters:
    ///   - chain: the certificate and what it leads over, PEM.
    ///   - key: its private key, PEM.
    /// - Throws: ``UnusableCertificate``.
    public init(chain: [UInt8], key: SecretBytes) throws(UnusableCertificate) {
        loaded = Mutex(try Self.read(chain, key))
    }

    /// Takes another certificate; one that cannot be used leaves the former in place.
    ///
    /// - Throws: ``UnusableCertificate``.
    public func exchange(chain: [UInt8], key: SecretBytes) throws(UnusableCertificate) {
        let fresh = try Self.read(chain, key)
        loaded.withLock { $0 = fresh }
    }

    /// TLS 1.2 and 1.3, the library's curves (X25519MLKEM768 first), and always the certificate that was set last.
    public func tlsConfiguration() -> TLSConfiguration {
        let current = loaded.withLock { $0 }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: current.chain, privateKey: current.key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { [self] _, promise in promise.succeed(loaded.withLock { $0.override }) }
        return configuration
    }

    private static func read(_ chain: [UInt8], _ key: SecretBytes) throws(UnusableCertificate) -> Loaded {
        var bytes = key.copyBytes()
        defer { wipe(&bytes) }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(chain).map { NIOSSLCertificateSource.certificate($0) }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
            // A key that does not belong to the certificate shows here and not in the first handshake.
            _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: chain, privateKey: key))
            return Loaded(chain: chain, key: key)
        } catch {
            throw UnusableCertificate(message: "\(error)")
        }
    }
}

/// Why a certificate and a key cannot serve.
public struct UnusableCertificate: Error, Sendable, Hashable {
    /// What the TLS library says about it; never a part of the key.
    public let message: String
}
