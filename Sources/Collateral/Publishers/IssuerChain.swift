import Encodings
import X509Trust

/// Chains of issuers as services and files hand them out: PEM texts.
enum IssuerChain {
    private static let maximumBytes = 256 << 10

    /// The certificates of a PEM text, DER, in its order.
    static func certificates(pem: String) throws(CollateralFetchFailure) -> [[UInt8]] {
        guard pem.utf8.count <= maximumBytes else {
            throw CollateralFetchFailure(.malformed, "the chain of issuers is larger than it may be.")
        }
        do throws(X509Error) {
            return try Certificate.all(pem: pem).map(\.der)
        } catch {
            throw CollateralFetchFailure(.malformed, "the chain of issuers cannot be read.")
        }
    }

    /// The certificates of a header's value: PEM, percent-encoded.
    static func certificates(percentEncoded text: String) throws(CollateralFetchFailure) -> [[UInt8]] {
        guard text.utf8.count <= maximumBytes, let bytes = try? PercentEncoding.bytes(of: text) else {
            throw CollateralFetchFailure(.malformed, "the chain of issuers is not percent-encoded as it must be.")
        }
        return try certificates(pem: String(decoding: bytes, as: UTF8.self))
    }
}
