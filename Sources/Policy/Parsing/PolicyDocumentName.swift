import Encodings

/// The name that a text gives itself, be it a policy otherwise or not: for saying which document it was that was refused.
public struct PolicyDocumentName: Sendable, Hashable {
    /// What the text says its kind is.
    public let kind: String
    /// The namespace, when it names one.
    public let namespace: String?
    /// The name.
    public let name: String

    /// A name from its parts.
    public init(kind: String, namespace: String?, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// The name in a YAML or JSON text; nil when it is not one YAML document, or says nothing of the sort.
    ///
    /// JSON is looked into also when it is far larger and deeper than a policy may be: it still says what it is.
    public init?(readingFrom text: String) {
        let limits = JSONLimits(maximumBytes: 4 << 20, maximumDepth: JSONLimits.deepestNesting)
        if text.utf8.first == UInt8(ascii: "{"), let object = try? JSONObject(parsing: Array(text.utf8), limits: limits)
        {
            guard let kind = object["kind"]?.plainText, let metadata = object["metadata"],
                let name = metadata["name"]?.plainText
            else { return nil }
            self.init(kind: kind, namespace: metadata["namespace"]?.plainText, name: name)
            return
        }
        guard text.utf8.count <= PolicyParser.maximumDocumentBytes,
            let root = try? YAMLReader.read(YAMLChunk(text: text, firstLine: 1)),
            let kind = root["kind"]?.plainText, let metadata = root["metadata"], let name = metadata["name"]?.plainText
        else { return nil }
        self.init(kind: kind, namespace: metadata["namespace"]?.plainText, name: name)
    }
}

extension YAMLNode {
    fileprivate subscript(_ key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// A short text that may stand in an answer.
    fileprivate var plainText: String? {
        guard case .scalar(let scalar) = content, case .string = scalar.meaning else { return nil }
        return scalar.text.isPlain ? scalar.text : nil
    }
}

extension JSONValue {
    fileprivate var plainText: String? { stringValue.flatMap { $0.isPlain ? $0 : nil } }
}

extension String {
    fileprivate var isPlain: Bool {
        (1...253).contains(utf8.count) && utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}
