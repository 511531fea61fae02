import Yams

/// Why a text is no YAML that we accept.
struct YAMLRefusal: Error {
    let position: SourcePosition
    let message: String
    let hint: String?

    init(_ position: SourcePosition, _ message: String, hint: String? = nil) {
        self.position = position
        self.message = message
        self.hint = hint
    }
}

/// Reads one YAML document into nodes with positions; positions are those of the whole stream.
struct YAMLReader {
    static let maximumDepth = 32
    static let maximumNodes = 50_000

    private let chunk: YAMLChunk
    private var nodes = 0

    /// The root of the document in `chunk`.
    static func read(_ chunk: YAMLChunk) throws(YAMLRefusal) -> YAMLNode {
        try AnchorScan.refuseAliases(in: chunk)
        var reader = YAMLReader(chunk: chunk)
        let (root, parser) = try reader.compose()
        // Nodes do not keep their anchors alive: the parser does.
        defer { withExtendedLifetime(parser) {} }
        return try reader.convert(root, depth: 0)
    }

    private init(chunk: YAMLChunk) {
        self.chunk = chunk
    }

    private func compose() throws(YAMLRefusal) -> (Node, Parser) {
        // The parser keeps a pointer to the text, which is only stable for texts that live on the heap.
        var text = chunk.text + String(repeating: "\n", count: 16)
        text.makeContiguousUTF8()
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let root = try parser.nextRoot() else {
                throw YAMLRefusal(SourcePosition(line: chunk.firstLine, column: 1), "The document is empty.")
            }
            guard try parser.nextRoot() == nil else {
                throw YAMLRefusal(
                    SourcePosition(line: chunk.firstLine, column: 1), "A document must begin on a line of its own.",
                    hint: "separate documents by a line '---'")
            }
            return (root, parser)
        } catch let refusal as YAMLRefusal {
            throw refusal
        } catch let error as YamlError {
            throw refusal(for: error)
        } catch {
            throw YAMLRefusal(SourcePosition(line: chunk.firstLine, column: 1), "The text is not YAML.")
        }
    }

    private func refusal(for error: YamlError) -> YAMLRefusal {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let within = context.map { ", \($0.text) on line \($0.mark.line + chunk.firstLine - 1)" } ?? ""
            let tabs = problem.contains("cannot start any token") ? "indent with spaces, not with tabs" : nil
            return YAMLRefusal(position(mark), "The text is not YAML: \(problem)\(within).", hint: tabs)
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\($0)'" }.joined(separator: ", ")
            return YAMLRefusal(position(context.mark), "The key \(names) appears more than once.")
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            let line = before.utf8.filter { $0 == 0x0A }.count
            return YAMLRefusal(
                SourcePosition(line: chunk.firstLine + line, column: 1), "The text is not YAML: \(problem).",
                hint: "control characters are not allowed")
        default:
            return YAMLRefusal(SourcePosition(line: chunk.firstLine, column: 1), "The text is not YAML.")
        }
    }

    private func position(_ mark: Mark?) -> SourcePosition {
        SourcePosition(line: (mark?.line ?? 1) + chunk.firstLine - 1, column: max(1, mark?.column ?? 1))
    }

    private mutating func convert(_ node: Node, depth: Int, isKey: Bool = false) throws(YAMLRefusal) -> YAMLNode {
        let place = position(node.mark)
        nodes += 1
        guard depth <= Self.maximumDepth else {
            throw YAMLRefusal(place, "The document is nested deeper than \(Self.maximumDepth) levels.")
        }
        guard nodes <= Self.maximumNodes else {
            throw YAMLRefusal(place, "The document has more than \(Self.maximumNodes) values.")
        }
        guard node.anchor == nil else {
            throw YAMLRefusal(place, "Anchors and aliases are not accepted.", hint: "write the value out")
        }
        switch node {
        case .scalar(let scalar):
            // A quoted scalar carries the string tag by itself, and so does a key that was compared with others; every
            // other tag comes from the author.
            let implicit = scalar.style == .plain && !isKey ? "" : Tag.Name.str.rawValue
            try refuseTag(scalar.tag, place, implicit: implicit)
            return YAMLNode(
                position: place, content: .scalar(YAMLScalar(text: scalar.string, style: style(scalar.style))))
        case .sequence(let sequence):
            try refuseTag(sequence.tag, place, implicit: "")
            var items: [YAMLNode] = []
            for item in sequence { items.append(try convert(item, depth: depth + 1)) }
            return YAMLNode(position: place, content: .sequence(items))
        case .mapping(let mapping):
            try refuseTag(mapping.tag, place, implicit: "")
            return YAMLNode(position: place, content: .mapping(try entries(of: mapping, depth: depth)))
        case .alias:
            throw YAMLRefusal(place, "Anchors and aliases are not accepted.", hint: "write the value out")
        }
    }

    private mutating func entries(of mapping: Node.Mapping, depth: Int) throws(YAMLRefusal) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var seen: Set<String> = []
        for (key, value) in mapping {
            let keyNode = try convert(key, depth: depth + 1, isKey: true)
            guard case .scalar(let scalar) = keyNode.content else {
                throw YAMLRefusal(keyNode.position, "A key must be text, not \(keyNode.kindName).")
            }
            guard seen.insert(scalar.text).inserted else {
                throw YAMLRefusal(keyNode.position, "The key '\(scalar.text)' appears more than once.")
            }
            let converted = try convert(value, depth: depth + 1)
            entries.append(YAMLEntry(key: scalar.text, keyPosition: keyNode.position, value: converted))
        }
        return entries
    }

    private func refuseTag(_ tag: Tag, _ place: SourcePosition, implicit: String) throws(YAMLRefusal) {
        let name = tag.rawValue
        guard !name.isEmpty, name != implicit else { return }
        throw YAMLRefusal(place, "Tags such as '\(name)' are not accepted.", hint: "remove the tag")
    }

    private func style(_ style: Node.Scalar.Style) -> YAMLScalar.Style {
        switch style {
        case .any, .plain: .plain
        case .singleQuoted: .singleQuoted
        case .doubleQuoted: .doubleQuoted
        case .literal, .folded: .block
        }
    }
}
