import Encodings
import RATS

/// The certificates of a platform's key as a quote carries them: exactly three PEM blocks and nothing besides.
enum CertificateText {
    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)

    /// The DER of the platform's certificate, its authority's and the root's.
    ///
    /// Lines end with a line feed, maybe after a carriage return; one zero byte may end the text. Throws
    /// `malformed_evidence` for anything else, because a reader that skips over what it does not understand can be
    /// shown another chain than the one that was verified.
    static func chain(_ text: [UInt8]) throws(VerificationError) -> [[UInt8]] {
        var lines = text[...]
        if lines.last == 0 { lines = lines.dropLast() }
        var chain: [[UInt8]] = []
        var block: [UInt8]?
        for line in lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.elementsEqual(begin) {
                guard block == nil, chain.count < 3 else { throw malformed }
                block = []
            } else if line.elementsEqual(end) {
                guard let encoded = block, let der = try? Base64.decode(String(decoding: encoded, as: UTF8.self)) else {
                    throw malformed
                }
                chain.append(der)
                block = nil
            } else if block != nil {
                guard (1...64).contains(line.count) else { throw malformed }
                block?.append(contentsOf: line)
            } else {
                guard line.isEmpty else { throw malformed }
            }
        }
        guard block == nil, chain.count == 3 else { throw malformed }
        return chain
    }

    private static let malformed = VerificationError.malformedQuote(
        "its certificates are not three PEM blocks: the platform's, its authority's and the root's")
}
