import Encodings
public import JOSE

/// A sealed secret as text: `sealed.` and a signed message in the compact serialisation of JWS, signed with ES256.
public struct SealedText: Sendable {
    /// What every sealed text begins with.
    public static let prefix = "sealed."
    /// The longest text that is looked at, in bytes.
    public static let maximumBytes = 1_048_576

    private static let maximumKeyIDBytes = 1024

    /// Names the key that the text claims to be signed with; not to be believed by itself.
    public let keyID: String
    private let message: JWS

    /// Whether bytes claim to be a sealed text.
    public static func isOne(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: prefix.utf8) }

    /// Takes a text apart without believing it. The prefix may be repeated, as the reference allows.
    ///
    /// - Throws: `GuestError` with `invalid_sealed_secret`.
    public init(_ text: String) throws(GuestError) {
        let compact = try Self.content(text, stripping: .max)
        do throws(JOSEError) {
            message = try JWS(compact: String(compact), maximumLength: Self.maximumBytes)
        } catch {
            throw .invalidSecret("it is no signed message (\(error.message))")
        }
        guard message.algorithm == .es256 else {
            throw .invalidSecret("its signature algorithm is not ES256, the only one accepted")
        }
        guard let keyID = message.header["kid"]?.stringValue, !keyID.isEmpty,
            keyID.utf8.count <= Self.maximumKeyIDBytes, !keyID.utf8.contains(0)
        else { throw .invalidSecret("its header names no key (kid)") }
        self.keyID = keyID
    }

    /// What the text says, if this key signed it.
    ///
    /// - Throws: `GuestError` with `untrusted_signature` when it did not, else with `invalid_sealed_secret`.
    public func secret(signedWith key: VerificationKey) throws(GuestError) -> SealedSecret {
        guard isSigned(with: key) else {
            throw GuestError(
                .untrustedSignature, "The sealed secret's signature is not one of the key \(keyID.printable).")
        }
        return try SealedSecret(parsing: message.payload)
    }

    /// What the text says, whoever signed it: to be shown to people, not to be acted upon.
    public func unverifiedSecret() throws(GuestError) -> SealedSecret { try SealedSecret(parsing: message.payload) }

    /// Whether this key signed the text.
    func isSigned(with key: VerificationKey) -> Bool {
        key.isValid(signature: message.signature, for: message.signingInput, algorithm: .es256)
    }

    /// What the text says, whoever wrote it. Header and signature are not looked at, but there are exactly four parts.
    ///
    /// - Throws: `GuestError` with `invalid_sealed_secret`.
    public static func unverifiedSecret(_ text: String) throws(GuestError) -> SealedSecret {
        let parts = try content(text, stripping: 1).utf8.split(
            separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw .invalidSecret("it does not have the four parts sealed.header.payload.signature")
        }
        let payload: [UInt8]
        do throws(ByteCodingError) {
            payload = try Base64.decodeURL(String(decoding: parts[1], as: UTF8.self))
        } catch {
            throw .invalidSecret("its payload is not base64url")
        }
        return try SealedSecret(parsing: payload)
    }

    /// Signs a secret, with the header that the reference's tool writes.
    ///
    /// - Parameter keyID: where guests find the public key: a `kbs:///` URI, or a file's name in their folder of keys.
    /// - Throws: `GuestError` with `invalid_request` for a key that is not for ES256 and for a key ID that names nothing.
    public static func seal(
        _ secret: SealedSecret, keyID: String, with key: SigningKey
    ) throws(GuestError) -> String {
        guard key.algorithm == .es256 else {
            throw GuestError(
                .invalidRequest, "Sealed secrets are signed with ES256; the key is for \(key.algorithm.rawValue).")
        }
        guard !keyID.isEmpty, keyID.utf8.count <= maximumKeyIDBytes, !keyID.utf8.contains(0) else {
            throw GuestError(.invalidRequest, "The signing key needs a name of 1 to \(maximumKeyIDBytes) bytes.")
        }
        do throws(JOSEError) {
            return try prefix
                + JWS.sign(
                    header: ["b64": true, "alg": "ES256", "kid": .string(keyID)], payload: secret.json.serialized(),
                    with: key)
        } catch {
            throw GuestError(.invalidRequest, "The secret cannot be signed: \(error.message).")
        }
    }

    private static func content(_ text: String, stripping limit: Int) throws(GuestError) -> Substring {
        guard text.utf8.count <= maximumBytes else { throw .invalidSecret("it is longer than \(maximumBytes) bytes") }
        var rest = text[...]
        var count = 0
        while count < limit, rest.utf8.starts(with: prefix.utf8) {
            rest = rest[rest.utf8.index(rest.startIndex, offsetBy: prefix.utf8.count)...]
            count += 1
        }
        guard count > 0 else { throw .invalidSecret("it does not begin with \(prefix)") }
        return rest
    }
}
