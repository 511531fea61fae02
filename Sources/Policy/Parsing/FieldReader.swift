import Encodings

/// A value together with where it stands and what it is called.
package struct Field {
    let node: YAMLNode
    package let path: String
    let context: DocumentContext

    package func report(_ code: String, _ message: String, hint: String? = nil) {
        context.report(code, at: node.position, path: path, message, hint: hint)
    }

    private func wrongType(_ wanted: String, hint: String? = nil) {
        report("wrong_type", "This must be \(wanted), not \(node.kindName).", hint: hint)
    }

    package func text(maximum: Int = 8192) -> String? {
        guard case .scalar(let scalar) = node.content else {
            wrongType("text")
            return nil
        }
        guard case .string = scalar.meaning else {
            wrongType("text", hint: scalar.text.isEmpty ? nil : "write it in quotes: \"\(scalar.text.prefix(40))\"")
            return nil
        }
        guard scalar.text.utf8.count <= maximum else {
            report("too_large", "The text is longer than \(maximum) bytes.")
            return nil
        }
        return scalar.text
    }

    package func bool() -> Bool? {
        if case .scalar(let scalar) = node.content, case .bool(let value) = scalar.meaning { return value }
        wrongType("true or false", hint: "write true or false, without quotes")
        return nil
    }

    package func integer(in range: ClosedRange<Int64>) -> Int64? {
        guard case .scalar(let scalar) = node.content, case .int(let value) = scalar.meaning else {
            wrongType("a whole number")
            return nil
        }
        guard range.contains(value) else {
            report("invalid_value", "\(value) is not between \(range.lowerBound) and \(range.upperBound).")
            return nil
        }
        return value
    }

    package func items(maximum: Int, allowEmpty: Bool = false) -> [Field]? {
        guard case .sequence(let nodes) = node.content else {
            wrongType("a list", hint: "write [\"…\"], or one item a line after '- '")
            return nil
        }
        guard nodes.count <= maximum else {
            report("too_large", "The list has more than \(maximum) items.")
            return nil
        }
        guard allowEmpty || !nodes.isEmpty else {
            report("invalid_value", "The list is empty.", hint: "leave the field out, or name at least one item")
            return nil
        }
        return nodes.enumerated().map { Field(node: $1, path: "\(path)[\($0)]", context: context) }
    }

    /// A word out of a fixed set.
    package func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) -> Word? where Word.RawValue == String {
        guard let text = text() else { return nil }
        if let word = Word(rawValue: text) { return word }
        let names = Word.allCases.map(\.rawValue)
        report("invalid_value", "'\(text)' is not known here.", hint: NearestName.hint(for: text, among: names))
        return nil
    }

    /// The value as JSON; numbers whose YAML text would change on the way are refused.
    package func json() -> JSONValue? {
        switch node.content {
        case .scalar(let scalar): return jsonScalar(scalar)
        case .sequence(let nodes):
            let fields = nodes.enumerated().map { Field(node: $1, path: "\(path)[\($0)]", context: context) }
            let values = fields.compactMap { $0.json() }
            return values.count == nodes.count ? .array(values) : nil
        case .mapping(let entries):
            var object = JSONObject()
            for entry in entries {
                let field = Field(node: entry.value, path: "\(path).\(entry.key)", context: context)
                guard let value = field.json() else { return nil }
                object[entry.key] = value
            }
            return .object(object)
        }
    }

    private func jsonScalar(_ scalar: YAMLScalar) -> JSONValue? {
        switch scalar.meaning {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value):
            // RFC 8785 writes numbers as doubles do.
            if value.magnitude < 1 << 53 { return .int(value) }
            report(
                "invalid_value", "\(value) is larger than JSON carries exactly.",
                hint: "write it in quotes: \"\(value)\"")
        case .string: return .string(scalar.text)
        case .double(let value):
            // Canonical JSON writes 1.0 as 1, so that two different documents would have one digest.
            if "\(value)" == scalar.text, value.rounded() != value { return .double(value) }
            report(
                "ambiguous_value", "'\(scalar.text)' would become the number \(value).",
                hint: "write it in quotes when text is meant: \"\(scalar.text)\"")
        case .ambiguous(let what):
            if let settled = context.settledValue(at: node.position) { return .bool(settled) }
            report(
                "ambiguous_value", "'\(scalar.text)' without quotes is \(what).",
                hint: "write it in quotes when text is meant: \"\(scalar.text.prefix(40))\"")
        }
        return nil
    }
}

/// A mapping with a fixed set of fields.
package struct ObjectReader {
    package let field: Field
    private let entries: [YAMLEntry]

    /// `nil`, with a report, when the value is no mapping; unknown fields are reported.
    package init?(_ field: Field, fields known: [String]) {
        guard case .mapping(let entries) = field.node.content else {
            field.report("wrong_type", "This must be a mapping, not \(field.node.kindName).")
            return nil
        }
        self.field = field
        self.entries = entries
        for entry in entries where !known.contains(entry.key) {
            field.context.report(
                "unknown_field", at: entry.keyPosition, path: field.member(entry.key),
                "There is no field '\(entry.key)' here.", hint: NearestName.hint(for: entry.key, among: known))
        }
    }

    /// Whether nothing at all is given.
    package var isEmpty: Bool { entries.isEmpty }

    /// The field, or `nil` when it is absent.
    package subscript(name: String) -> Field? {
        guard let entry = entries.first(where: { $0.key == name }) else { return nil }
        return Field(node: entry.value, path: field.member(name), context: field.context)
    }

    /// The field; its absence is reported.
    package func required(_ name: String) -> Field? {
        if let found = self[name] { return found }
        field.context.report(
            "missing_field", at: field.node.position, path: field.member(name), "The field '\(name)' is missing.")
        return nil
    }
}

extension Field {
    func member(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    /// The members of a mapping whose names are free; not a mapping is reported.
    package func members() -> [(name: Field, key: String, value: Field)]? {
        guard case .mapping(let entries) = node.content else {
            wrongType("a mapping")
            return nil
        }
        return entries.map { entry in
            let key = YAMLNode(
                position: entry.keyPosition,
                content: .scalar(YAMLScalar(text: entry.key, style: .singleQuoted)))
            return (
                Field(node: key, path: member(entry.key), context: context), entry.key,
                Field(node: entry.value, path: member(entry.key), context: context)
            )
        }
    }
}
