import Yams

/// One mapping of a YAML configuration, which remembers what was read so that a misspelt key is an error.
struct ConfigurationSection {
    private let path: String
    private let source: String
    private var values: [String: Node]
    private let mark: Mark?

    init(parsing yaml: String, source: String) throws(ConfigurationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ConfigurationError(code: "malformed_yaml", message: "\(source) is not YAML: \(error)")
        }
        guard let root else {
            self.init(path: "", source: source, values: [:], mark: nil)
            return
        }
        try self.init(root, path: "", source: source)
    }

    private init(path: String, source: String, values: [String: Node], mark: Mark?) {
        self.path = path
        self.source = source
        self.values = values
        self.mark = mark
    }

    private init(_ node: Node, path: String, source: String) throws(ConfigurationError) {
        guard let mapping = node.mapping else {
            throw ConfigurationError(
                code: "wrong_type",
                message: "\(source)\(Self.place(node.mark)): \(path.isEmpty ? "the document" : path) must be a mapping."
            )
        }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string else {
                throw ConfigurationError(
                    code: "wrong_type", message: "\(source)\(Self.place(key.mark)): a key of \(path) is no text.")
            }
            values[name] = value
        }
        self.init(path: path, source: source, values: values, mark: node.mark)
    }

    private static func place(_ mark: Mark?) -> String {
        mark.map { ":\($0.line):\($0.column)" } ?? ""
    }

    private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Takes a value out; what is left at the end is unknown.
    private mutating func take(_ key: String) -> Node? {
        guard let node = values.removeValue(forKey: key) else { return nil }
        if node.scalar != nil, node.null != nil, node.scalar?.style == .plain { return nil }
        return node
    }

    private func fault(_ key: String, _ node: Node, _ expected: String) -> ConfigurationError {
        ConfigurationError(
            code: "wrong_type", message: "\(source)\(Self.place(node.mark)): \(name(key)) must be \(expected).")
    }

    mutating func text(_ key: String) throws(ConfigurationError) -> String? {
        guard let node = take(key) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else { throw fault(key, node, "a text that is not empty") }
        return text
    }

    mutating func requiredText(_ key: String) throws(ConfigurationError) -> String {
        guard let text = try text(key) else {
            throw ConfigurationError(
                code: "missing_key", message: "\(source)\(Self.place(mark)): \(name(key)) is missing.")
        }
        return text
    }

    mutating func flag(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let node = take(key) else { return nil }
        switch node.scalar?.string {
        case "true": return true
        case "false": return false
        default: throw fault(key, node, "true or false")
        }
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let node = take(key) else { return nil }
        guard let text = node.scalar?.string, let number = Int(text), range.contains(number) else {
            throw fault(key, node, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A length of time such as `500ms`, `30s`, `5m`, `12h` or `90d`.
    mutating func duration(_ key: String, in range: ClosedRange<Duration>) throws(ConfigurationError) -> Duration? {
        guard let node = take(key) else { return nil }
        guard let duration = node.scalar.flatMap({ Duration(configured: $0.string) }), range.contains(duration) else {
            throw fault(
                key, node, "a time such as 500ms, 30s, 5m, 12h or 90d, from \(range.lowerBound) to \(range.upperBound)")
        }
        return duration
    }

    mutating func texts(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let node = take(key) else { return nil }
        guard let sequence = node.sequence else { throw fault(key, node, "a list of texts") }
        var texts: [String] = []
        for element in sequence {
            guard let text = element.scalar?.string, !text.isEmpty else { throw fault(key, element, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    mutating func section(_ key: String) throws(ConfigurationError) -> ConfigurationSection? {
        guard let node = take(key) else { return nil }
        return try ConfigurationSection(node, path: name(key), source: source)
    }

    mutating func sections(_ key: String) throws(ConfigurationError) -> [ConfigurationSection]? {
        guard let node = take(key) else { return nil }
        guard let sequence = node.sequence else { throw fault(key, node, "a list of mappings") }
        var sections: [ConfigurationSection] = []
        for (index, element) in sequence.enumerated() {
            sections.append(try ConfigurationSection(element, path: "\(name(key))[\(index)]", source: source))
        }
        return sections
    }

    /// A mapping from free names to texts.
    mutating func textsByName(_ key: String) throws(ConfigurationError) -> [String: String]? {
        guard var section = try section(key) else { return nil }
        var result: [String: String] = [:]
        for name in section.values.keys.sorted() { result[name] = try section.requiredText(name) }
        return result
    }

    /// Throws when a key was not asked for.
    func finish() throws(ConfigurationError) {
        guard let unknown = values.keys.sorted().first else { return }
        throw ConfigurationError(
            code: "unknown_key",
            message: "\(source)\(Self.place(values[unknown]?.mark)): \(name(unknown)) is no known setting.")
    }

    /// An error about a value that was read well and means nothing.
    func invalid(_ key: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(code: "invalid_value", message: "\(source)\(Self.place(mark)): \(name(key)) \(reason)")
    }
}

extension Duration {
    /// Reads a number followed by `ms`, `s`, `m`, `h` or `d`.
    init?(configured text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number < 100_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(number)
        case "s": self = .seconds(number)
        case "m": self = .seconds(number * 60)
        case "h": self = .seconds(number * 3_600)
        case "d": self = .seconds(number * 86_400)
        default: return nil
        }
    }

    /// This length in seconds, with fractions.
    public var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
