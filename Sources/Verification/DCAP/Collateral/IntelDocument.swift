import Encodings
import FoundationEssentials
import RATS

/// A document that Intel signs: a JSON object with one member that is signed and one that is its signature.
///
/// The signature is over the bytes of the inner object exactly as they were served, so these bytes are kept; nothing is
/// written anew.
struct IntelDocument: Sendable {
    /// The inner object, read.
    let content: IntelObject
    /// The inner object, as it was served.
    let signedBytes: [UInt8]
    /// r ‖ s, big-endian, 64 bytes.
    let signature: [UInt8]

    private static let limits = JSONLimits(maximumBytes: 1_048_576, maximumDepth: 16, maximumValues: 100_000)

    /// Reads a document whose signed member has this name. Throws `malformed_collateral`.
    init(_ bytes: [UInt8], member: String, what: String) throws(VerificationError) {
        let document: JSONObject
        do throws(JSONError) {
            document = try JSONObject(parsing: bytes, limits: Self.limits)
        } catch {
            throw .malformedCollateral(what, "\(error.message) (byte \(error.offset))")
        }
        guard document.count == 2, case .object(let inner) = document[member],
            let text = document["signature"]?.stringValue
        else { throw .malformedCollateral(what, "it does not consist of “\(member)” and “signature”") }
        // One signature has one text, so that no change of it goes unnoticed.
        guard let signature = try? Hex.decode(text), signature.count == 64, Hex.encode(signature) == text else {
            throw .malformedCollateral(what, "its signature is not 64 bytes in lower-case hexadecimal digits")
        }
        guard let range = IntelDocumentScanner.range(ofMember: member, in: bytes) else {
            throw .malformedCollateral(what, "the name “\(member)” is written in another way")
        }
        content = IntelObject(inner, what: what)
        signedBytes = Array(bytes[range])
        self.signature = signature
    }
}

/// Finds a member's bytes in a valid JSON object whose members are objects and texts.
private struct IntelDocumentScanner {
    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Where the value of a member stands; its name must be written without escapes.
    static func range(ofMember name: String, in bytes: [UInt8]) -> Range<Int>? {
        var scanner = IntelDocumentScanner(bytes)
        let quoted = Array("\"\(name)\"".utf8)
        scanner.skip(separators: "{")
        while scanner.position < bytes.count {
            let isWanted = bytes[scanner.position...].starts(with: quoted)
            scanner.skipValue()
            scanner.skip(separators: ":")
            let start = scanner.position
            scanner.skipValue()
            if isWanted { return start..<scanner.position }
            scanner.skip(separators: ",}")
        }
        return nil
    }

    private mutating func skip(separators: String) {
        while position < bytes.count, separators.utf8.contains(bytes[position]) || bytes[position] <= 0x20 {
            position += 1
        }
    }

    /// Passes over a text, or over an object with all that is in it.
    private mutating func skipValue() {
        var depth = 0
        repeat {
            guard position < bytes.count else { return }
            switch bytes[position] {
            case UInt8(ascii: "\""): skipText()
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"): depth -= 1
            default: break
            }
            position += 1
        } while depth > 0
    }

    /// Goes to the closing quotation mark of the text that begins here.
    private mutating func skipText() {
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
    }
}
