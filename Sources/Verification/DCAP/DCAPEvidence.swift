import Encodings
import RATS

/// The evidence of SGX enclaves and TDX trust domains: a JSON object with the quote and, of trust domains, the event log.
///
/// Guests of some versions sent further members; they are passed over.
struct DCAPEvidence {
    /// The quote, not read yet.
    let quote: [UInt8]
    /// The guest's event log (CCEL), not read yet.
    let eventLog: [UInt8]?

    /// The largest event log: the largest buffer that firmware is known to keep.
    private static let maximumLogSize = 1_048_576

    /// Throws `malformed_evidence`.
    init(_ content: JSONValue) throws(VerificationError) {
        guard case .object(let members) = content, case .string(let text) = members["quote"] else {
            throw .malformedQuote("it is no object with a “quote”")
        }
        quote = try Self.decode(text, "quote", limit: IntelQuote.maximumSize)
        switch members["cc_eventlog"] {
        case nil, .null: eventLog = nil
        case .string(let text): eventLog = try Self.decode(text, "cc_eventlog", limit: Self.maximumLogSize)
        default: throw .malformedQuote("its “cc_eventlog” is no text")
        }
    }

    private static func decode(_ text: String, _ name: String, limit: Int) throws(VerificationError) -> [UInt8] {
        guard text.utf8.count <= limit / 3 * 4 + 4 else {
            throw .malformedQuote("its “\(name)” is larger than \(limit) bytes")
        }
        do throws(ByteCodingError) {
            return try Base64.decode(text)
        } catch {
            throw .malformedQuote("its “\(name)” is no base64. \(error.message)")
        }
    }
}
