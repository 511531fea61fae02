/// Reads policy documents from YAML.
public enum PolicyParser {
    /// The largest stream that is read, in bytes.
    public static let maximumBytes = 4_194_304
    /// The largest single document, in bytes.
    public static let maximumDocumentBytes = 262_144
    /// The most documents in one stream.
    public static let maximumDocuments = 2_000

    /// Reads a stream of one or more documents, checks every field and compiles every expression.
    ///
    /// `source` names the text in diagnostics. All documents are looked at before ``PolicyError`` is thrown with
    /// everything that was wrong.
    public static func parse(_ yaml: String, source: String) throws(PolicyError) -> [PolicyDocument] {
        let policies = ResourceKind.allCases.filter { $0.policy != nil }
        return try ResourceParser.documents(chunks(of: yaml, source: source), source: source, among: Set(policies))
            .compactMap(\.policy)
    }

    /// The documents of a stream as text, after what holds for a stream as a whole was checked.
    static func chunks(of yaml: String, source: String) throws(PolicyError) -> [YAMLChunk] {
        func refuse(_ code: String, _ message: String, line: Int = 1, hint: String? = nil) -> PolicyError {
            PolicyError(diagnostics: [
                PolicyDiagnostic(
                    code: code, source: source, line: line, column: 1, path: "", message: message, hint: hint)
            ])
        }
        guard yaml.utf8.count <= maximumBytes else {
            throw refuse("too_large", "The text is longer than \(maximumBytes) bytes.")
        }
        var text = yaml
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        if let line = RegoRefusal.line(in: text) {
            throw refuse("rego", RegoRefusal.message, line: line, hint: RegoRefusal.hint)
        }
        if let hidden = HiddenCharacters.first(in: text) {
            throw refuse("yaml_syntax", hidden.message, line: hidden.line, hint: HiddenCharacters.hint)
        }
        let chunks = YAMLStream.chunks(of: text)
        guard !chunks.isEmpty else {
            throw refuse("empty", "There is no policy document in this text.", hint: "see docs/policy.md for examples")
        }
        guard chunks.count <= maximumDocuments else {
            throw refuse("too_large", "There are more than \(maximumDocuments) documents in one text.")
        }
        return chunks
    }

    /// The value of a document; nothing, with a report, when it is no YAML that we accept.
    static func root(
        _ chunk: YAMLChunk, _ context: DocumentContext, maximumBytes: Int = maximumDocumentBytes
    ) -> Field? {
        let top = SourcePosition(line: chunk.firstLine, column: 1)
        guard chunk.text.utf8.count <= maximumBytes else {
            context.report("too_large", at: top, path: "", "The document is longer than \(maximumBytes) bytes.")
            return nil
        }
        let root: YAMLNode
        do {
            root = try YAMLReader.read(chunk)
        } catch {
            context.report("yaml_syntax", at: error.position, path: "", error.message, hint: error.hint)
            return nil
        }
        return Field(node: root, path: "", context: context)
    }
}
