import Encodings
import JOSE

/// How often one core can do the cryptography of a resource fetch and nothing else.
///
/// A fetch by session cookie with a P-256 key needs one JWE: an ephemeral key, ECDH, key wrap and AES-GCM. The bound is
/// what a server that does no other work could reach.
enum CryptoBound {
    static func fetchesPerSecond(secretBytes: Int, seconds: Int) throws -> Double {
        let recipient = try JWERecipient(jwk: try JWEPrivateKey.generate(.ecP256).publicJWK)
        let secret = SecretBytes(Array(repeating: 7, count: secretBytes))
        let clock = ContinuousClock()
        let start = clock.now
        var count = 0
        while clock.now - start < .seconds(seconds) {
            _ = try recipient.encrypt(secret)
            count += 1
        }
        return Double(count) / ((clock.now - start) / .seconds(1))
    }
}
