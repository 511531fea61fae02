import Crypto
import Encodings

/// Thumbprints of JWKs (RFC 7638).
public enum JWKThumbprint {
    /// The SHA-256 thumbprint, base64url, of an EC, RSA, OKP or AKP key. Only the members that make the key are looked at,
    /// and they are not checked for being a valid key.
    public static func sha256(of jwk: JSONObject) throws(JOSEError) -> String {
        let names: [String]
        switch try jwk.requiredName("kty") {
        case "EC": names = ["crv", "kty", "x", "y"]
        case "RSA": names = ["e", "kty", "n"]
        case "OKP": names = ["crv", "kty", "x"]
        case "AKP": names = ["alg", "kty", "pub"]
        default: throw .unsupportedKey("Keys of this `kty` have no thumbprint here")
        }
        var members = JSONObject()
        for name in names { members[name] = .string(try jwk.requiredString(name)) }
        return Base64.encodeURL(Array(SHA256.hash(data: members.serialized())))
    }
}
