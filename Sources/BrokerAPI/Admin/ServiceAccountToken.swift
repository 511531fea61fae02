import Broker
import Encodings
import JOSE

/// What a verified token says of the service account, and of the pod, that it was made for.
///
/// Only tokens that Kubernetes bound to something are taken; those of old, which live for ever, have no such claims.
struct ServiceAccountToken {
    /// `system:serviceaccount:NAMESPACE:NAME`.
    let subject: String
    /// Names the pod, as far as the token is bound to one.
    let pod: String?

    init(_ claims: JWTClaims) throws(AdminRefusal) {
        guard let bound = claims.object["kubernetes.io"], let namespace = bound["namespace"]?.stringValue,
            let account = bound["serviceaccount"]?["name"]?.stringValue, let subject = claims.subject
        else { throw .notVerified(code: "admin_token_unbound") }
        guard subject.utf8.elementsEqual("system:serviceaccount:\(namespace):\(account)".utf8) else {
            throw .notVerified(code: "admin_token_subject")
        }
        self.subject = subject
        let parts = [bound["pod"]?["name"]?.stringValue, bound["pod"]?["uid"]?.stringValue].compactMap(\.self)
        let isPlain = parts.allSatisfy { $0.utf8.count <= 253 && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
        pod = parts.count == 2 && isPlain ? "pod \(namespace)/\(parts.joined(separator: "/"))" : nil
    }
}
