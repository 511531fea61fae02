import Encodings
public import JOSE

/// The keys of sealed secrets as files and resources: JWKs of EC keys on P-256.
public enum SealedSigningKey {
    private static let limits = JSONLimits(maximumBytes: 65_536, maximumDepth: 8, maximumValues: 256)

    /// Reads a public key. Of a private one the public part is taken, as the reference does; the JWK's `kid` means nothing.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public static func publicKey(_ json: [UInt8]) throws(GuestError) -> VerificationKey {
        var jwk = try object(json)
        if jwk.contains("d") {
            jwk["d"] = nil
            jwk["key_ops"] = nil
        }
        let key: VerificationKey
        do throws(JOSEError) {
            key = try VerificationKey(jwk: jwk)
        } catch {
            throw GuestError(.invalidRequest, "\(error.message).")
        }
        guard key.algorithms == [.es256] else { throw GuestError(.invalidRequest, "It is no EC key on P-256.") }
        return key
    }

    /// Reads a private key.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public static func privateKey(_ json: [UInt8]) throws(GuestError) -> SigningKey {
        let jwk = try object(json)
        let key: SigningKey
        do throws(JOSEError) {
            key = try SigningKey(privateJWK: jwk)
        } catch {
            throw GuestError(.invalidRequest, "\(error.message).")
        }
        guard key.algorithm == .es256 else { throw GuestError(.invalidRequest, "It is no EC key on P-256.") }
        return key
    }

    private static func object(_ json: [UInt8]) throws(GuestError) -> JSONObject {
        do throws(JSONError) {
            return try JSONObject(parsing: json, limits: limits)
        } catch {
            throw GuestError(.invalidRequest, "It is no JWK.")
        }
    }
}
