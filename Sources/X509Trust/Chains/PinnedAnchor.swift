import Encodings

/// A root certificate that is trusted because it is exactly this one.
public struct PinnedAnchor: Sendable, Hashable {
    /// What the operator calls it, such as `ARK-Milan`.
    public let name: String
    /// The root.
    public let certificate: Certificate

    /// The SHA-256 of the root's DER, 32 bytes.
    public var fingerprint: [UInt8] { certificate.fingerprint }

    /// An anchor by its certificate alone.
    public init(name: String, certificate: Certificate) {
        self.name = name
        self.certificate = certificate
    }

    /// An anchor whose certificate must have a fingerprint that was taken from elsewhere.
    ///
    /// - Parameter fingerprint: the SHA-256 of the root's DER as 64 hexadecimal digits, lower case.
    ///
    /// Throws `anchor_mismatch`.
    public init(name: String, certificate: Certificate, fingerprint: String) throws(X509Error) {
        guard Hex.encode(certificate.fingerprint) == fingerprint else {
            throw X509Error(
                code: "anchor_mismatch",
                message: "The root certificate of \(name) has the fingerprint \(Hex.encode(certificate.fingerprint)).")
        }
        self.init(name: name, certificate: certificate)
    }
}
