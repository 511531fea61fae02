import Crypto
import Encodings

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
        try documents(chunks(of: yaml, source: source), source: source)
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

    private static func documents(_ chunks: [YAMLChunk], source: String) throws(PolicyError) -> [PolicyDocument] {
        var documents: [PolicyDocument] = []
        var diagnostics: [PolicyDiagnostic] = []
        var lines: [String: Int] = [:]
        for chunk in chunks {
            let context = DocumentContext(source: source, chunk: chunk)
            if let document = document(chunk, context) {
                if let earlier = lines.updateValue(document.line, forKey: document.identifier) {
                    context.report(
                        "duplicate_document", at: SourcePosition(line: document.line, column: 1), path: "metadata.name",
                        "\(document.identifier) already stands on line \(earlier).")
                }
                documents.append(document)
            }
            diagnostics += context.diagnostics
            if diagnostics.count > 200 { break }
        }
        guard diagnostics.isEmpty else { throw PolicyError(diagnostics: diagnostics) }
        return documents
    }

    private static func document(_ chunk: YAMLChunk, _ context: DocumentContext) -> PolicyDocument? {
        guard let field = root(chunk, context) else { return nil }
        guard let header = DocumentHeader(field), let spec = spec(header) else { return nil }
        guard !context.failed, let content = field.json(), !context.failed else { return nil }
        guard let canonical = try? content.canonical() else {
            context.report(
                "invalid_value", at: field.node.position, path: "",
                "The document has a number that JSON cannot carry exactly.")
            return nil
        }
        return PolicyDocument(
            kind: header.kind, namespace: header.namespace, name: header.name, text: chunk.text, content: content,
            digest: Hex.encode(Array(SHA256.hash(data: canonical))), source: context.source,
            line: field.node.position.line,
            spec: spec)
    }

    /// The value of a document; nothing, with a report, when it is no YAML that we accept.
    static func root(_ chunk: YAMLChunk, _ context: DocumentContext) -> Field? {
        let top = SourcePosition(line: chunk.firstLine, column: 1)
        guard chunk.text.utf8.count <= maximumDocumentBytes else {
            context.report("too_large", at: top, path: "", "The document is longer than \(maximumDocumentBytes) bytes.")
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

    private static func spec(_ header: DocumentHeader) -> PolicySpec? {
        switch header.kind {
        case .releasePolicy, .clusterReleasePolicy:
            ReleasePolicyReader(header).read().map(PolicySpec.release)
        case .appraisalPolicy:
            AppraisalPolicyReader(header).read().map(PolicySpec.appraisal)
        case .referenceValues:
            ReferenceValuesReader(header).read().map(PolicySpec.referenceValues)
        }
    }
}
