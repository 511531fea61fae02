import Encodings

/// The patches that are not apply.
enum Patches {
    /// JSON merge patch (RFC 7396).
    static func merged(_ value: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var object = value.objectValue ?? [:]
        for (name, change) in changes {
            if change.isNull {
                object[name] = nil
            } else {
                object[name] = merged(object[name] ?? .null, change)
            }
        }
        return .object(object)
    }

    /// JSON patch (RFC 6902).
    static func patched(_ value: JSONValue, _ operations: [JSONValue]) throws -> JSONValue {
        try operations.reduce(value) { value, operation in
            guard let name = operation["op"]?.stringValue, let path = operation["path"]?.stringValue else {
                throw APIStatus.badRequest("the JSON patch names no operation or no path")
            }
            let steps = Self.steps(path)
            switch name {
            case "add": return try change(value, steps, to: operation["value"] ?? .null, isAddition: true)
            case "replace":
                guard read(value, steps) != nil else { throw missing(path) }
                return try change(value, steps, to: operation["value"] ?? .null, isAddition: false)
            case "remove":
                guard read(value, steps) != nil else { throw missing(path) }
                return try change(value, steps, to: nil, isAddition: false)
            case "test":
                guard read(value, steps) == operation["value"] else {
                    throw APIStatus(
                        422, "Invalid",
                        "the server rejected our request due to an error in our request: test of \(path) failed")
                }
                return value
            case "copy", "move":
                let from = Self.steps(operation["from"]?.stringValue ?? "")
                guard let moved = read(value, from) else { throw missing(operation["from"]?.stringValue ?? "") }
                let rest = name == "move" ? try change(value, from, to: nil, isAddition: false) : value
                return try change(rest, steps, to: moved, isAddition: true)
            default: throw APIStatus.badRequest("unknown operation \(name) of a JSON patch")
            }
        }
    }

    private static func missing(_ path: String) -> APIStatus {
        APIStatus(422, "Invalid", "the JSON patch names a path that is missing: \(path)")
    }

    private static func steps(_ pointer: String) -> [String] {
        pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0.replacing("~1", with: "/").replacing("~0", with: "~"))
        }
    }

    private static func read(_ value: JSONValue, _ steps: [String]) -> JSONValue? {
        steps.reduce(value as JSONValue?) { value, step in
            if let list = value?.arrayValue { return Int(step).flatMap { list.indices.contains($0) ? list[$0] : nil } }
            return value?[step]
        }
    }

    /// - Parameter replacement: nil removes.
    private static func change(
        _ value: JSONValue, _ steps: [String], to replacement: JSONValue?, isAddition: Bool
    ) throws -> JSONValue {
        guard let step = steps.first else { return replacement ?? .null }
        let rest = Array(steps.dropFirst())
        if case .array(var list) = value {
            let index = step == "-" ? list.count : Int(step) ?? -1
            guard index >= 0, index < list.count || (rest.isEmpty && isAddition && index == list.count) else {
                throw missing(step)
            }
            if !rest.isEmpty {
                list[index] = try change(list[index], rest, to: replacement, isAddition: isAddition)
            } else if let replacement {
                if isAddition { list.insert(replacement, at: index) } else { list[index] = replacement }
            } else {
                list.remove(at: index)
            }
            return .array(list)
        }
        guard case .object(var object) = value else { throw missing(step) }
        if rest.isEmpty {
            object[step] = replacement
        } else {
            guard let inner = object[step] else { throw missing(step) }
            object[step] = try change(inner, rest, to: replacement, isAddition: isAddition)
        }
        return .object(object)
    }
}
