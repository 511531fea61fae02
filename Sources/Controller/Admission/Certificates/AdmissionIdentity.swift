import Encodings
import FoundationEssentials
import X509Trust

/// The host names by which API servers reach the admission service.
struct ServiceNames: Sendable, Hashable {
    let service: String
    let namespace: String
    var others: [String] = []

    /// API servers ask for the first one, unless their configuration names another.
    var hosts: [String] {
        ["\(service).\(namespace).svc", "\(service).\(namespace).svc.cluster.local", "\(service).\(namespace)"] + others
    }
}

/// A certificate of the service with its key, and the authority that issued it.
///
/// The authority's key is not kept: it issues this one certificate and is gone, so that nobody who reads what is stored can
/// issue another. A renewal is a new authority, too.
struct ServingIdentity: Sendable, Equatable {
    /// How long authority and certificate are valid, in days, and when before the end they are replaced.
    static let days = 90
    static let renewal: TimeInterval = 30 * 86_400

    let certificate: Certificate
    let key: SecretBytes
    let authority: Certificate

    init(certificate: Certificate, key: SecretBytes, authority: Certificate) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }

    /// A new one, P-256.
    static func generate(_ names: ServiceNames, at now: Date) throws(X509Error) -> ServingIdentity {
        let validity = CertificateValidity.days(days, from: now)
        // Two authorities are in the bundle for some time: each has a name of its own.
        let number = Hex.encode(SecretBytes.random(count: 4).copyBytes())
        let authority = try CertificateAuthority.generate(
            commonName: "claviger admission \(number)", validity: validity)
        let issued = try authority.issue(
            commonName: String(names.service.prefix(64)), dnsNames: names.hosts, usage: .tlsServer, validity: validity)
        return ServingIdentity(
            certificate: issued.certificate, key: issued.keyPEM, authority: authority.certificate)
    }

    /// Whether API servers would accept it now.
    func isValid(at now: Date) -> Bool {
        (try? CertificateChain.verify(leaf: certificate.der, anchors: [authority.der], at: now)) != nil
    }

    /// Whether it is time for another one.
    func isDue(at now: Date, _ names: ServiceNames) -> Bool {
        now >= certificate.notAfter.addingTimeInterval(-Self.renewal) || !covers(names)
    }

    /// Whether each of the names stands in it, as a whole.
    private func covers(_ names: ServiceNames) -> Bool {
        // 2.5.29.17 is subjectAltName; dNSName is [2] with a length byte for names below 128 bytes, else 0x81 and one.
        guard let value = certificate.extensionValue("2.5.29.17") else { return false }
        return names.hosts.allSatisfy { host in
            let bytes = Array(host.utf8)
            let head: [UInt8] =
                bytes.count < 128 ? [0x82, UInt8(bytes.count)] : [0x82, 0x81, UInt8(clamping: bytes.count)]
            return Self.contains(value, head + bytes)
        }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }
}
