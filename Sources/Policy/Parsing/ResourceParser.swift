import Crypto
import Encodings

/// Reads documents of every kind of the API group `claviger.dev` from YAML.
public enum ResourceParser {
    /// The largest single document that is no policy, in bytes.
    public static let maximumDocumentBytes = 1_310_720

    /// Reads a stream of one or more documents, as ``PolicyParser`` reads policies.
    ///
    /// All documents are looked at before ``PolicyError`` is thrown with everything that was wrong.
    public static func parse(_ yaml: String, source: String) throws(PolicyError) -> [ResourceDocument] {
        try documents(PolicyParser.chunks(of: yaml, source: source), source: source, among: Set(ResourceKind.allCases))
    }

    /// The documents of a stream, which must be of certain kinds.
    static func documents(
        _ chunks: [YAMLChunk], source: String, among kinds: Set<ResourceKind>
    ) throws(PolicyError) -> [ResourceDocument] {
        var documents: [ResourceDocument] = []
        var diagnostics: [PolicyDiagnostic] = []
        var lines: [String: Int] = [:]
        for chunk in chunks {
            let context = DocumentContext(source: source, chunk: chunk)
            if let document = document(chunk, context, among: kinds) {
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

    private static func document(
        _ chunk: YAMLChunk, _ context: DocumentContext, among kinds: Set<ResourceKind>
    ) -> ResourceDocument? {
        let limit = kinds.allSatisfy { $0.policy != nil } ? PolicyParser.maximumDocumentBytes : maximumDocumentBytes
        guard let field = PolicyParser.root(chunk, context, maximumBytes: limit) else { return nil }
        guard let header = DocumentHeader(field), isAllowed(header, among: kinds, chunk, field) else { return nil }
        guard let body = Body(header) else { return nil }
        guard !context.failed, let content = field.json(), !context.failed else { return nil }
        guard let canonical = try? content.canonical() else {
            context.report(
                "invalid_value", at: field.node.position, path: "",
                "The document has a number that JSON cannot carry exactly.")
            return nil
        }
        return ResourceDocument(
            kind: header.kind, namespace: header.namespace, name: header.name, content: content,
            source: context.source, line: field.node.position.line,
            spec: body.spec { kind, spec in
                PolicyDocument(
                    kind: kind, namespace: header.namespace, name: header.name, text: chunk.text, content: content,
                    digest: Hex.encode(Array(SHA256.hash(data: canonical))), source: context.source,
                    line: field.node.position.line, spec: spec)
            })
    }

    private static func isAllowed(
        _ header: DocumentHeader, among kinds: Set<ResourceKind>, _ chunk: YAMLChunk, _ field: Field
    ) -> Bool {
        guard kinds.contains(header.kind) else {
            field.report(
                "not_a_policy", "A \(header.kind.rawValue) is no policy.",
                hint: "it belongs into the cluster: kubectl apply -f")
            return false
        }
        guard header.kind.policy == nil || chunk.text.utf8.count <= PolicyParser.maximumDocumentBytes else {
            field.report(
                "too_large", "The document is longer than \(PolicyParser.maximumDocumentBytes) bytes.")
            return false
        }
        return true
    }

    /// A spec that was read; what surrounds a policy's is only known later.
    private enum Body {
        case policy(PolicyKind, PolicySpec)
        case other(ResourceSpec)

        init?(_ header: DocumentHeader) {
            let body: Body? =
                switch header.kind {
                case .releasePolicy:
                    ReleasePolicyReader(header).read().map { .policy(.releasePolicy, .release($0)) }
                case .clusterReleasePolicy:
                    ReleasePolicyReader(header).read().map { .policy(.clusterReleasePolicy, .release($0)) }
                case .appraisalPolicy:
                    AppraisalPolicyReader(header).read().map { .policy(.appraisalPolicy, .appraisal($0)) }
                case .referenceValues:
                    ReferenceValuesReader(header).read().map { .policy(.referenceValues, .referenceValues($0)) }
                case .brokeredSecret: BrokeredSecretReader(header).read().map { .other(.brokeredSecret($0)) }
                case .agentProfile: AgentProfileReader(header).read().map { .other(.agentProfile($0)) }
                case .policyBundle: PolicyBundleReader(header).read().map { .other(.policyBundle($0)) }
                }
            guard let body else { return nil }
            self = body
        }

        func spec(_ policy: (PolicyKind, PolicySpec) -> PolicyDocument) -> ResourceSpec {
            switch self {
            case .policy(let kind, let spec): .policy(policy(kind, spec))
            case .other(let spec): spec
            }
        }
    }
}
