import Encodings
import FoundationEssentials
import JOSE
import X509Trust

/// A JWK that certificates in its `x5c` vouch for (RFC 7517 section 4.7, kbs-protocol section 4.4).
enum EndorsedKey {
    private static let maximumCertificates = 16

    /// The key of a JWK, once its certificate chain was found to lead to an anchor.
    ///
    /// The first certificate must be for exactly this key; the others are only a help to build the path, in any order.
    static func verified(jwk: JSONObject, anchors: [[UInt8]], now: Date) throws(BrokerError) -> VerificationKey {
        guard jwk["alg"] != nil, let key = try? VerificationKey(jwk: jwk) else { throw .tokenRefused("invalid_key") }
        guard let texts = jwk["x5c"]?.arrayValue, !texts.isEmpty, texts.count <= maximumCertificates else {
            throw .tokenRefused("no_certificate")
        }
        let chain = texts.compactMap { $0.stringValue.flatMap { try? Base64.decodeLenient($0) } }
        guard chain.count == texts.count else { throw .tokenRefused("invalid_certificate") }
        do {
            let leaf = try CertificateChain.verify(
                leaf: chain[0], intermediates: Array(chain.dropFirst()), anchors: anchors, at: now)
            guard leaf.publicKeyDER == key.subjectPublicKeyInfoDER else {
                throw BrokerError.tokenRefused("certificate_key_mismatch")
            }
            return key
        } catch let error as BrokerError {
            throw error
        } catch {
            throw .tokenRefused("untrusted_certificate")
        }
    }
}
