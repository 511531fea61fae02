import Encodings

/// A label or field selector.
struct Selector: Sendable {
    private enum Test: Sendable {
        case equals(String, String), differs(String, String), among(String, [String]), notAmong(String, [String])
        case exists(String), absent(String)
    }

    private let tests: [Test]
    private let isOfFields: Bool

    static let everything = Selector(tests: [], isOfFields: false)
    var isEmpty: Bool { tests.isEmpty }

    private init(tests: [Test], isOfFields: Bool) {
        self.tests = tests
        self.isOfFields = isOfFields
    }

    init(labels text: String) throws {
        self.init(tests: try Self.split(text).map(Self.test), isOfFields: false)
    }

    /// A selector of fields that this kind lets select.
    init(fields text: String, _ kind: ResourceKind) throws {
        tests = try Self.split(text).map(Self.test)
        isOfFields = true
        var known = ["metadata.name"] + kind.selectableFields
        if kind.isNamespaced { known.append("metadata.namespace") }
        for case .equals(let name, _) in tests where !known.contains(name) { throw Self.unknown(name) }
        for case .differs(let name, _) in tests where !known.contains(name) { throw Self.unknown(name) }
    }

    private static func unknown(_ name: String) -> APIStatus { .badRequest("field label not supported: \(name)") }

    /// The name that a field selector demands, for whom may list by name only.
    var demandedName: String? {
        for case .equals("metadata.name", let name) in tests { return name }
        return nil
    }

    func matches(_ object: JSONObject) -> Bool {
        tests.allSatisfy { test in
            switch test {
            case .equals(let name, let text): (value(name, object) ?? (isOfFields ? "" : nil)) == text
            case .differs(let name, let text): (value(name, object) ?? (isOfFields ? "" : nil)) != text
            case .among(let name, let texts): value(name, object).map(texts.contains) ?? false
            case .notAmong(let name, let texts): !(value(name, object).map(texts.contains) ?? false)
            case .exists(let name): value(name, object) != nil
            case .absent(let name): value(name, object) == nil
            }
        }
    }

    private func value(_ name: String, _ object: JSONObject) -> String? {
        guard isOfFields else { return object.metadata["labels"]?[name]?.stringValue }
        guard let found = FieldPathExpression(name).values(in: .object(object)).first else { return nil }
        return found.stringValue ?? found.serializedString()
    }

    /// Commas inside parentheses do not divide.
    private static func split(_ text: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.filter { !$0.isEmpty }
    }

    private static func test(_ text: String) throws -> Test {
        func sides(_ separator: String) -> (String, String)? {
            guard let range = text.firstRange(of: separator) else { return nil }
            return (text[..<range.lowerBound].trimmed, text[range.upperBound...].trimmed)
        }
        func list(_ text: String) -> [String] {
            text.drop { $0 == "(" }.dropLast().split(separator: ",").map(\.trimmed)
        }
        if let (name, value) = sides(" notin ") { return .notAmong(name, list(value)) }
        if let (name, value) = sides(" in ") { return .among(name, list(value)) }
        if let (name, value) = sides("!=") { return .differs(name, value) }
        if let (name, value) = sides("==") ?? sides("=") { return .equals(name, value) }
        let name = text[...].trimmed
        guard !name.isEmpty, !name.contains(" ") else {
            throw APIStatus.badRequest("unable to parse requirement: \(text)")
        }
        return name.hasPrefix("!") ? .absent(String(name.dropFirst())) : .exists(name)
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = self
        while rest.first == " " { rest = rest.dropFirst() }
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}
