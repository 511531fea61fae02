import Encodings
import Foundation

/// A column of `kubectl get`.
struct PrinterColumn: Sendable {
    var name: String
    var type: String
    var format = ""
    var description = ""
    var priority: Int64 = 0
    var path: FieldPathExpression

    static let name = PrinterColumn(
        name: "Name", type: "string", format: "name", description: "Name must be unique within a namespace.",
        path: FieldPathExpression(".metadata.name"))
    static let age = PrinterColumn(name: "Age", type: "date", path: FieldPathExpression(".metadata.creationTimestamp"))

    var definition: JSONValue {
        [
            "name": .string(name), "type": .string(type), "format": .string(format),
            "description": .string(description), "priority": .int(priority),
        ]
    }

    /// What stands in the cell of an object.
    func cell(of object: JSONObject, now: Date) -> JSONValue {
        let found = path.values(in: .object(object))
        guard let first = found.first else { return .null }
        if type == "date" {
            guard let text = first.stringValue, let date = Timestamp.date(text) else { return "<unknown>" }
            return .string(Self.age(now.timeIntervalSince(date)))
        }
        if case .array = first { return .string(first.serializedString()) }
        if type == "string", first.stringValue == nil { return .string(first.serializedString()) }
        return first
    }

    private static func age(_ seconds: TimeInterval) -> String {
        let whole = max(0, Int(seconds))
        switch whole {
        case ..<120: return "\(whole)s"
        case ..<7200: return "\(whole / 60)m"
        case ..<172_800: return "\(whole / 3600)h"
        default: return "\(whole / 86_400)d"
        }
    }
}

/// The part of JSONPath that printer columns and selectable fields use: members, `[*]`, an index, and
/// `[?(@.member=="text")]`.
struct FieldPathExpression: Sendable {
    private enum Step {
        case member(String), index(Int), all
        case filter(String, String)
    }

    private let steps: [Step]

    init(_ text: String) {
        steps = Self.steps(text)
    }

    func values(in value: JSONValue) -> [JSONValue] {
        steps.reduce([value]) { found, step in found.flatMap { Self.follow(step, from: $0) } }
    }

    private static func follow(_ step: Step, from value: JSONValue) -> [JSONValue] {
        switch step {
        case .member(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            guard let list = value.arrayValue, list.indices.contains(index) else { return [] }
            return [list[index]]
        case .all: return value.arrayValue ?? value.objectValue?.map(\.value) ?? []
        case .filter(let name, let text):
            return (value.arrayValue ?? []).filter { $0[name]?.stringValue == text }
        }
    }

    private static func steps(_ text: String) -> [Step] {
        var steps: [Step] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first == "[", let end = rest.firstIndex(of: "]") {
                steps.append(bracket(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                if first == "." { rest = rest.dropFirst() }
                let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
                if end != rest.startIndex { steps.append(.member(String(rest[..<end]))) }
                rest = rest[end...]
            }
        }
        return steps
    }

    private static func bracket(_ text: Substring) -> Step {
        if text == "*" { return .all }
        if let index = Int(text) { return .index(index) }
        let quotes = CharacterSet(charactersIn: "'\"")
        guard text.hasPrefix("?(@.") else { return .member(text.trimmingCharacters(in: quotes)) }
        let sides = text.dropFirst(4).dropLast().components(separatedBy: "==")
        return .filter(
            sides[0].trimmingCharacters(in: .whitespaces),
            (sides.last ?? "").trimmingCharacters(in: .whitespaces).trimmingCharacters(in: quotes))
    }
}
