/// Reads documents of other kinds than policies, such as tests of them, as strictly and with the same diagnostics.
package enum DocumentStream {
    /// What `read` makes of each document's value.
    ///
    /// Throws ``PolicyError`` with everything that was reported about any of them.
    package static func read<Document>(
        _ yaml: String, source: String, as read: (Field) -> Document?
    ) throws(PolicyError) -> [Document] {
        var documents: [Document] = []
        var diagnostics: [PolicyDiagnostic] = []
        for chunk in try PolicyParser.chunks(of: yaml, source: source) {
            let context = DocumentContext(source: source, chunk: chunk)
            if let document = PolicyParser.root(chunk, context).flatMap(read) { documents.append(document) }
            diagnostics += context.diagnostics
            if diagnostics.count > 200 { break }
        }
        guard diagnostics.isEmpty else { throw PolicyError(diagnostics: diagnostics) }
        return documents
    }
}

extension Field {
    /// Line of the source on which the value begins, counted from 1.
    package var line: Int { node.position.line }

    /// Whether the value is a list.
    package var isList: Bool {
        if case .sequence = node.content { return true }
        return false
    }

    /// Whether the value is text, and no number, boolean or null.
    package var isText: Bool {
        if case .scalar(let scalar) = node.content, case .string = scalar.meaning { return true }
        return false
    }
}
