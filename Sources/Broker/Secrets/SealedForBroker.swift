public import Encodings
public import JOSE
public import KBSProtocol

/// A value that was encrypted to a broker, for one object and one resource: a JWE in the compact serialisation.
///
/// The protected header, which is authenticated with the value, says for which object and resource it was made, and its
/// serial. Anybody can seal to a public key: this keeps a value from being read or put elsewhere, and says nothing about who
/// made it.
public struct SealedForBroker: Sendable, Hashable {
    /// The `typ` of the header.
    public static let type = "claviger-sealed+jwe"
    /// The largest value, in bytes, whose sealed form fits into an object.
    public static let maximumValueBytes = 65_536
    /// The largest serial, 2^53 − 1: above, JSON numbers are not exact everywhere.
    public static let maximumSerial: Int64 = 9_007_199_254_740_991

    /// Members of the header that are this form's own.
    private enum Member {
        static let secret = "claviger.dev/secret"
        static let path = "claviger.dev/path"
        static let serial = "claviger.dev/serial"
    }

    /// The compact text.
    public let text: String
    /// The broker's key that it was sealed to: the RFC 7638 thumbprint.
    public let keyID: String
    /// The object, `namespace/name`.
    public let secret: String
    /// The resource, `repository/type/tag`.
    public let path: String
    /// Rises with every value that is sealed for the object.
    public let serial: Int64

    /// Reads the header, of which nothing is authenticated before the value is opened.
    ///
    /// Throws `JOSEError` for what is no such message.
    public init(_ text: String) throws(JOSEError) {
        let header = try CompactJWE.unverifiedHeader(of: text)
        guard header["typ"]?.stringValue == Self.type, let keyID = header["kid"]?.stringValue,
            let secret = header[Member.secret]?.stringValue, let path = header[Member.path]?.stringValue,
            let serial = header[Member.serial]?.intValue, (1...Self.maximumSerial).contains(serial)
        else {
            throw JOSEError(
                code: "not_for_a_broker",
                message: "The message does not say for which object, resource and serial it was sealed")
        }
        self.text = text
        self.keyID = keyID
        self.secret = secret
        self.path = path
        self.serial = serial
    }

    /// Seals a value to a broker's public key (JWK), for the object `namespace/name` and the resource that it asks for.
    ///
    /// Throws `JOSEError` for a key that cannot be used and a serial that is no positive number.
    public init(
        sealing value: SecretBytes, to jwk: JSONObject, namespace: String, name: String, path: ResourcePath,
        serial: Int64
    ) throws(JOSEError) {
        guard (1...Self.maximumSerial).contains(serial) else {
            throw JOSEError(code: "invalid_serial", message: "A serial is a whole number from 1 on")
        }
        let keyID = try JWKThumbprint.sha256(of: jwk)
        let secret = "\(namespace)/\(name)"
        text = try JWERecipient(jwk: jwk).encryptCompact(
            value,
            members: [
                "typ": .string(Self.type), "kid": .string(keyID), Member.secret: .string(secret),
                Member.path: .string(path.description), Member.serial: .int(serial),
            ])
        self.keyID = keyID
        self.secret = secret
        self.path = path.description
        self.serial = serial
    }

    /// Whether it was sealed for this object and resource, compared byte by byte.
    func isFor(namespace: String, name: String, path: ResourcePath) -> Bool {
        secret.utf8.elementsEqual("\(namespace)/\(name)".utf8) && self.path.utf8.elementsEqual(path.description.utf8)
    }
}
