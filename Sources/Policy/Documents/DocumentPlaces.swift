/// Where the fields of a document stand in its source, for findings about documents that are right as YAML.
package struct DocumentPlaces {
    private let document: PolicyDocument
    private let root: YAMLNode?
    private let linesBefore: Int

    /// The places of the fields of `document`.
    package init(_ document: PolicyDocument) {
        self.document = document
        root = try? YAMLReader.read(YAMLChunk(text: document.text, firstLine: 1))
        linesBefore = document.line - (root?.position.line ?? 1)
    }

    /// Line and column, from 1, of a field such as `spec.validations[0].expression`; of the nearest field around it
    /// when there is none of this path.
    package func place(of path: String) -> (line: Int, column: Int) {
        guard var node = root else { return (document.line, 1) }
        for step in Self.steps(path) {
            guard let next = Self.member(step, of: node) else { break }
            node = next
        }
        return (node.position.line + linesBefore, node.position.column)
    }

    /// `spec.rules[3].when` is `spec`, `rules`, `3`, `when`.
    private static func steps(_ path: String) -> [Substring] {
        path.split { $0 == "." || $0 == "[" || $0 == "]" }
    }

    private static func member(_ step: Substring, of node: YAMLNode) -> YAMLNode? {
        switch node.content {
        case .mapping(let entries): entries.first { $0.key == step }?.value
        case .sequence(let items): Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
        case .scalar: nil
        }
    }
}
