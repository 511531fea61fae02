import Encodings
import FoundationEssentials
import Kubernetes
import X509Trust

/// What the Secret says: the identity that is served, the one that will be, and the authority of the one that was.
///
/// The Secret is the only source: whatever a process makes counts once it stands there.
struct CertificateStore: Sendable, Equatable {
    private static let serving = ["tls.crt", "tls.key", "ca.crt"]
    private static let upcoming = ["next-tls.crt", "next-tls.key", "next-ca.crt"]
    private static let retiring = "former-ca.crt"

    /// Nil when there is none that can be used.
    var current: ServingIdentity?
    /// Published already, not served yet.
    var next: ServingIdentity?
    /// Not served any more; others may not have noticed yet.
    var former: Certificate?

    init(current: ServingIdentity? = nil, next: ServingIdentity? = nil, former: Certificate? = nil) {
        self.current = current
        self.next = next
        self.former = former
    }

    /// Reads a Secret. What cannot be read is not there.
    init(_ secret: KubernetesObject) {
        let data = secret.json["data"]?.objectValue ?? [:]
        current = Self.identity(data, Self.serving)
        next = Self.identity(data, Self.upcoming)
        former = Self.bytes(data, Self.retiring).flatMap { try? Certificate(pem: String(decoding: $0, as: UTF8.self)) }
    }

    /// The members `data` of the Secret.
    var data: JSONObject {
        var data: JSONObject = [:]
        Self.write(current, Self.serving, to: &data)
        Self.write(next, Self.upcoming, to: &data)
        data[Self.retiring] = former.map { .string(Base64.encode(Array($0.pem.utf8))) }
        return data
    }

    /// What API servers are to trust, PEM; empty when there is nothing yet.
    var bundle: String {
        [current?.authority, next?.authority, former].compactMap { $0?.pem }.joined()
    }

    private static func identity(_ data: JSONObject, _ names: [String]) -> ServingIdentity? {
        guard let certificate = bytes(data, names[0]), var key = bytes(data, names[1]),
            let authority = bytes(data, names[2]),
            let leaf = try? Certificate(pem: String(decoding: certificate, as: UTF8.self)),
            let root = try? Certificate(pem: String(decoding: authority, as: UTF8.self))
        else { return nil }
        return ServingIdentity(certificate: leaf, key: SecretBytes(wiping: &key), authority: root)
    }

    private static func bytes(_ data: JSONObject, _ name: String) -> [UInt8]? {
        data[name]?.stringValue.flatMap { try? Base64.decode($0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func write(_ identity: ServingIdentity?, _ names: [String], to data: inout JSONObject) {
        guard let identity else { return }
        data[names[0]] = .string(Base64.encode(Array(identity.certificate.pem.utf8)))
        // The API takes text, which cannot be wiped.
        data[names[1]] = .string(Base64.encode(identity.key.copyBytes()))
        data[names[2]] = .string(Base64.encode(Array(identity.authority.pem.utf8)))
    }
}
