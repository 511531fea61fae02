import Crypto
import Encodings

/// What a signed policy bundle says: a complete set of documents under a name, with a serial that only rises.
///
/// A bundle replaces the one of the same name as a whole: a document that the newer one lacks is gone.
public struct PolicyBundleContent: Sendable {
    /// The `kind` of the signed object.
    public static let kind = "PolicyBundle"
    /// The largest serial, 2^53 − 1: above, JSON numbers are not exact everywhere.
    public static let maximumSerial: Int64 = 9_007_199_254_740_991
    /// The longest name, in bytes.
    public static let maximumNameBytes = 63

    /// The bundle's name: lowercase letters, digits, `-` and `.`, a letter or digit at both ends.
    public let name: String
    /// The serial, from 1 on.
    public let serial: Int64
    /// The documents, ordered by identifier.
    public let documents: [PolicyDocument]
    /// The signed bytes: the canonical form (RFC 8785) of `{apiVersion, documents, kind, name, serial}`.
    public let canonical: [UInt8]
    /// SHA-256 over the signed bytes, in lowercase hex.
    public let digest: String
    let json: JSONValue

    /// Makes a bundle of documents.
    ///
    /// The documents are read back from their JSON form, which is what brokers will read. Throws ``PolicyBundleError`` for
    /// a name or serial that cannot be, a document given twice, and a document that does not survive the way through JSON.
    public init(name: String, serial: Int64, documents: [PolicyDocument]) throws(PolicyBundleError) {
        let sorted = documents.sorted { $0.identifier < $1.identifier }
        try self.init(json: [
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": .string(Self.kind), "name": .string(name),
            "serial": .int(serial), "documents": .array(sorted.map(\.content)),
        ])
    }

    /// Reads the signed object.
    ///
    /// Throws ``PolicyBundleError``: `bundle_malformed` when members are missing, unknown or out of range or the documents
    /// are not in order, `bundle_invalid` with every finding when a document is no policy.
    init(json: JSONValue) throws(PolicyBundleError) {
        guard let object = json.objectValue,
            Set(object.names) == ["apiVersion", "kind", "name", "serial", "documents"],
            object["apiVersion"] == .string(PolicyDocument.apiVersion), object["kind"] == .string(Self.kind)
        else {
            throw .malformed(
                "A bundle has exactly apiVersion (\(PolicyDocument.apiVersion)), kind (\(Self.kind)), name, serial, documents."
            )
        }
        guard let name = object["name"]?.stringValue, Self.isName(name) else {
            throw .malformed(
                "A bundle's name has 1 to \(Self.maximumNameBytes) lowercase letters, digits, '-' and '.'.")
        }
        guard let serial = object["serial"]?.intValue, (1...Self.maximumSerial).contains(serial) else {
            throw .malformed("A bundle's serial is a whole number from 1 to \(Self.maximumSerial).")
        }
        guard let list = object["documents"]?.arrayValue, list.count <= PolicyParser.maximumDocuments else {
            throw .malformed("A bundle's documents are a list of at most \(PolicyParser.maximumDocuments).")
        }
        self.name = name
        self.serial = serial
        self.json = json
        documents = try Self.documents(list, bundle: name)
        canonical = try Self.canonical(json)
        digest = Hex.encode(Array(SHA256.hash(data: canonical)))
    }

    private static func documents(_ list: [JSONValue], bundle: String) throws(PolicyBundleError) -> [PolicyDocument] {
        var documents: [PolicyDocument] = []
        for (index, element) in list.enumerated() {
            documents.append(try document(element, source: "bundle \(bundle), document \(index + 1)"))
        }
        for (first, second) in zip(documents, documents.dropFirst()) where first.identifier >= second.identifier {
            throw .malformed("The documents are not ordered, or \(second.identifier) is given twice.")
        }
        return documents
    }

    /// JSON is YAML, so documents have one reader; its result is compared with the signed JSON all the same.
    private static func document(_ json: JSONValue, source: String) throws(PolicyBundleError) -> PolicyDocument {
        let bytes = try canonical(json)
        let read: [PolicyDocument]
        do throws(PolicyError) {
            read = try PolicyParser.parse(String(decoding: bytes, as: UTF8.self), source: source)
        } catch {
            throw PolicyBundleError(code: "bundle_invalid", message: error.description)
        }
        guard read.count == 1, let document = read.first,
            document.digest == Hex.encode(Array(SHA256.hash(data: bytes)))
        else {
            throw PolicyBundleError(
                code: "bundle_invalid", message: "\(source): it reads differently as YAML and as JSON.")
        }
        return document
    }

    private static func canonical(_ json: JSONValue) throws(PolicyBundleError) -> [UInt8] {
        do throws(JSONError) {
            return try json.canonical()
        } catch {
            throw .malformed("The bundle has no canonical form: \(error.message)")
        }
    }

    /// Whether a text can be the ``name`` of a bundle.
    public static func isName(_ text: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= maximumNameBytes else {
            return false
        }
        return isPlain(first) && isPlain(last) && text.utf8.allSatisfy { isPlain($0) || "-.".utf8.contains($0) }
    }
}
