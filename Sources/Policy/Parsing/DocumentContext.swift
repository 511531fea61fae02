/// What the readers of one document share: where it came from, and what was found wrong with it.
final class DocumentContext {
    let source: String
    private let locator: ScalarLocator
    private(set) var diagnostics: [PolicyDiagnostic] = []
    /// The values of the document that are right are still looked at, but only so many errors are kept.
    private static let maximumDiagnostics = 100

    init(source: String, chunk: YAMLChunk) {
        self.source = source
        locator = ScalarLocator(chunk)
    }

    var failed: Bool { diagnostics.contains { $0.severity == .error } }

    /// Scalars that a field reads as a boolean although readers of YAML disagree about them.
    private var settled: [SourcePosition: Bool] = [:]

    func settle(_ position: SourcePosition, as value: Bool) { settled[position] = value }

    func settledValue(at position: SourcePosition) -> Bool? { settled[position] }

    func report(
        _ code: String, at position: SourcePosition, path: String, _ message: String, hint: String? = nil
    ) {
        guard diagnostics.count < Self.maximumDiagnostics else { return }
        diagnostics.append(
            PolicyDiagnostic(
                code: code, source: source, line: position.line, column: position.column, path: path,
                message: message, hint: hint))
    }

    /// Where the character `offset` of a scalar's text stands in the source.
    func position(of offset: Int, in scalar: YAMLScalar, of node: YAMLNode) -> SourcePosition {
        locator.position(of: offset, in: scalar, startingAt: node.position)
    }
}
