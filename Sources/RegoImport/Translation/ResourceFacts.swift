/// What the conditions of an `allow` body say about the request itself, as patterns and plugins.
struct ResourceFacts {
    private(set) var plugins: [String] = ["*"]
    private(set) var patterns: [String] = ["**"]
    /// The conditions that are left.
    private(set) var rest: [Translator.Line] = []

    private static let maximumPatterns = 64
    private var segments: [Int: [String]] = [:]
    private var length: Int?
    private var whole: [[String]]?

    init(_ lines: [Translator.Line]) {
        for line in lines {
            for condition in line.condition.conjuncts where !take(condition) {
                rest.append(Translator.Line(line: line.line, condition: condition))
            }
        }
        patterns = makePatterns()
        if patterns.isEmpty {
            // Too many of them: the conditions say the same.
            rest = lines.flatMap { line in
                line.condition.conjuncts.map { Translator.Line(line: line.line, condition: $0) }
            }
            patterns = ["**"]
        }
    }

    /// The namespace that all patterns are of, when the policy can be one of a namespace.
    var namespace: String? {
        guard plugins == ["resource"] else { return nil }
        let first = Set(patterns.map { String($0.prefix { $0 != "/" }) })
        guard let name = first.first, first.count == 1, !name.contains("*"), name != "-", name.count <= 63 else {
            return nil
        }
        return patterns.allSatisfy { $0.contains("/") } ? name : nil
    }

    /// Whether the condition is now part of the match.
    private mutating func take(_ condition: Condition) -> Bool {
        switch condition {
        case .relation("==", .plugin, .string(let name)), .relation("==", .string(let name), .plugin):
            guard plugins == ["*"], !name.isEmpty, name != "*" else { return false }
            plugins = [name]
            return true
        case .relation("in", .plugin, .list(let items)):
            let names = items.compactMap(\.word)
            guard plugins == ["*"], names.count == items.count, !names.isEmpty,
                !names.contains(where: { $0.isEmpty || $0 == "*" })
            else { return false }
            plugins = names
            return true
        case .relation("==", .resourceText, .string(let path)), .relation("==", .string(let path), .resourceText):
            return takeWhole([path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)])
        case .relation("==", .resourcePath, .list(let items)), .relation("==", .list(let items), .resourcePath):
            return takeWhole([items.compactMap(\.word)].filter { $0.count == items.count })
        case .relation("in", .resourceText, .list(let items)):
            let paths = items.compactMap(\.word).map {
                $0.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            }
            return paths.count == items.count && takeWhole(paths)
        case .relation("glob", .resourceText, .string(let pattern)):
            return GlobPattern(pattern)?.segments.map { takeOpen($0) } ?? false
        case .relation("==", .resourceSegment(let index), .string(let name)),
            .relation("==", .string(let name), .resourceSegment(let index)):
            return takeSegment(index, [name])
        case .relation("in", .resourceSegment(let index), .list(let items)):
            let names = items.compactMap(\.word)
            return names.count == items.count && takeSegment(index, names)
        case .relation("==", .text("size(request.path)"), .number(let text)):
            guard let count = Int(text), (1...16).contains(count), length == nil else { return false }
            length = count
            return true
        case .test(let text, let operands): return takePrefix(text, operands)
        default: return false
        }
    }

    private mutating func takeWhole(_ paths: [[String]], isPattern: Bool = false) -> Bool {
        guard whole == nil, !paths.isEmpty, paths.count <= Self.maximumPatterns else { return false }
        guard paths.allSatisfy({ $0.allSatisfy { Self.isSegment($0) || (isPattern && ($0 == "*" || $0 == "**")) } })
        else {
            return false
        }
        whole = paths
        return true
    }

    /// Here `**` stands for no segment, too, but a prefix ends with a slash. Both are the same only for what certainly has
    /// more segments: a resource, which has three.
    private mutating func takeOpen(_ pattern: [String]) -> Bool {
        if pattern.count > 1, pattern.last == "**" {
            guard plugins == ["resource"], pattern.count <= 3 else { return false }
        }
        return takeWhole([pattern], isPattern: true)
    }

    private mutating func takeSegment(_ index: Int, _ names: [String]) -> Bool {
        guard (0..<8).contains(index), segments[index] == nil, !names.isEmpty, names.allSatisfy(Self.isSegment) else {
            return false
        }
        segments[index] = names
        return true
    }

    /// `startswith(path, "a/b/")` is about the first segments.
    private mutating func takePrefix(_ text: String, _ operands: [Operand]) -> Bool {
        guard operands.count == 2, operands[0] == .resourceText || operands[0] == .resourcePath,
            case .string(let prefix) = operands[1], prefix.hasSuffix("/"),
            text == "request.resource.startsWith(\(operands[1].text))"
        else { return false }
        let names = prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy(Self.isSegment) else { return false }
        return takeOpen(names + ["**"])
    }

    // MARK: - Patterns

    private func makePatterns() -> [String] {
        if let whole, segments.isEmpty, length == nil { return whole.map { $0.joined(separator: "/") } }
        guard whole == nil else { return [] }
        guard let last = segments.keys.max() else {
            return length.map { [Array(repeating: "*", count: $0).joined(separator: "/")] } ?? ["**"]
        }
        var count = max(last + 1, length ?? 0)
        guard length == nil || length == count else { return [] }
        var isOpen = length == nil
        if isOpen, plugins == ["resource"], count <= 3 { (count, isOpen) = (3, false) }
        var paths: [[String]] = [[]]
        for index in 0..<count {
            let names = segments[index] ?? ["*"]
            paths = paths.flatMap { path in names.map { path + [$0] } }
            guard paths.count <= Self.maximumPatterns else { return [] }
        }
        return paths.map { ($0 + (isOpen ? ["**"] : [])).joined(separator: "/") }
    }

    /// What a pattern takes for itself.
    private static func isSegment(_ text: String) -> Bool {
        !text.isEmpty && text.first != "."
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "_-.:@=+~".utf8.contains(byte)
                }
            }
    }
}

extension Operand {
    fileprivate var word: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}
