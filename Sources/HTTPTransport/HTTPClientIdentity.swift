public import Encodings

/// What a client shows servers that ask for a certificate.
public struct HTTPClientIdentity: Sendable, Hashable {
    /// The certificate, followed by its intermediates, as PEM.
    public let certificatePEM: String
    /// The private key as PEM without passphrase.
    public let keyPEM: SecretBytes

    /// An identity.
    public init(certificatePEM: String, keyPEM: SecretBytes) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Hashes the certificate alone.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(certificatePEM)
    }
}
