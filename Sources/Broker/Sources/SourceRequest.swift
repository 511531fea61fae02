import Encodings
import Policy
import Storage

/// One object of a source, as text.
struct SourceDocument: Sendable, Hashable {
    let text: String
    /// Tells an object from another one that later had its name.
    let uid: String?
    /// The object's own counter of changes, which goes back in the answer.
    let generation: Int64?
}

/// All policies of a source, sent by whoever leads there.
public struct SourceRequest: Sendable, Hashable {
    /// The largest request, in bytes of JSON.
    public static let maximumBytes = 33_554_432
    /// The most documents of one request. Fewer are taken, and of each namespace only its share.
    public static let maximumDocuments = 16_000
    private static let maximumUIDBytes = 128

    /// The source's name.
    public let source: String
    /// The number of the leader who sends: a later one has a higher number.
    public let fence: Int64
    /// The number of the request: of two of one leader the later has the bigger one. Nil from a sender who does not count.
    public let sequence: Int64?
    let documents: [SourceDocument]

    var origin: String { PolicySource.origin(source) }

    /// Reads a request: `{"fence": …, "sequence": …, "documents": [{"text": …, "uid": …, "generation": …}]}`, of which
    /// `sequence`, `uid` and `generation` may be missing.
    ///
    /// Throws `malformed` for anything else, and for a name that no source can have.
    public init(source: String, body: [UInt8]) throws(BrokerError) {
        guard PolicySourceConfiguration.isName(source) else {
            throw .malformed(
                "PolicySource", code: "invalid_source",
                "A source's name has lowercase letters, digits, '-' and '.', with a letter or digit at both ends")
        }
        self.source = source
        let limits = JSONLimits(maximumBytes: Self.maximumBytes)
        guard let object = try? JSONObject(parsing: body, limits: limits), let fence = object["fence"]?.intValue,
            fence >= 0, let list = object["documents"]?.arrayValue
        else {
            throw Self.malformed("The body must be an object with a `fence` from 0 and a list of `documents`")
        }
        guard object.allSatisfy({ ["fence", "sequence", "documents"].contains($0.name) }) else {
            throw Self.malformed("Besides `fence`, `sequence` and `documents` the body has no members")
        }
        let sequence = object["sequence"] ?? .null
        guard sequence == .null || (sequence.intValue ?? -1) >= 0 else {
            throw Self.malformed("`sequence` is a whole number from 0")
        }
        guard list.count <= Self.maximumDocuments else {
            throw BrokerError(
                kind: .tooLarge, variant: "PolicySource", code: "too_many_documents",
                message: "A request has at most \(Self.maximumDocuments) documents")
        }
        self.fence = fence
        self.sequence = sequence.intValue
        var documents: [SourceDocument] = []
        for element in list { documents.append(try Self.document(element)) }
        self.documents = documents
    }

    private static func document(_ value: JSONValue) throws(BrokerError) -> SourceDocument {
        guard let text = value["text"]?.stringValue else { throw malformed("A document needs its `text`") }
        let uid = value["uid"] ?? .null
        let generation = value["generation"] ?? .null
        guard uid == .null || uid.stringValue.map(isUID) == true else {
            throw malformed("A document's `uid` has 1 to \(maximumUIDBytes) visible ASCII characters")
        }
        guard generation == .null || generation.intValue != nil else {
            throw malformed("A document's `generation` is a whole number")
        }
        return SourceDocument(text: text, uid: uid.stringValue, generation: generation.intValue)
    }

    private static func isUID(_ text: String) -> Bool {
        (1...maximumUIDBytes).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func malformed(_ message: String) -> BrokerError {
        .malformed("PolicySource", code: "malformed_message", message)
    }
}
