import Foundation
public import NIOSSL
public import X509Trust

/// A certification authority for servers on this machine and for clients that authenticate to them by certificates.
public struct LoopbackAuthority: Sendable {
    /// The authority itself.
    public let authority: CertificateAuthority

    /// A new authority.
    public init(commonName: String = "kubernetes-test-ca") throws {
        authority = try .generate(commonName: commonName, validity: .days(2, from: Date()))
    }

    /// The authority's certificate as PEM: what a client must be given to trust the servers.
    public var certificatePEM: String { authority.certificatePEM }

    /// A new certificate for a client: the common name is the user, as the API server reads it.
    public func client(_ commonName: String) throws -> CertifiedKey {
        try authority.issue(commonName: commonName, usage: .tlsClient, validity: .days(2, from: Date()))
    }

    /// How a server on `127.0.0.1`, `::1` or `localhost` talks TLS; clients may show a certificate of this authority.
    public func serverConfiguration() throws -> TLSConfiguration {
        let server = try authority.issue(
            commonName: "kube-apiserver", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"], usage: .tlsServer,
            validity: .days(2, from: Date()))
        let certificate = try NIOSSLCertificate(bytes: Array(server.certificate.pem.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: server.keyPEM.copyBytes(), format: .pem)
        return .makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
    }
}
