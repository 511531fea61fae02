import Encodings

/// Conditions in the Common Expression Language that something is as it is written, and has nothing beside it.
///
/// Each field is compared for itself: API servers refuse literals whose members are of several types.
struct SamenessText: Sendable {
    /// What stands for the value of a field, by the field's path.
    let expressions: [String: String]

    /// All conditions in one.
    func condition(_ path: String, is value: JSONValue) -> String {
        conditions(path, are: value).joined(separator: " && ")
    }

    /// - Parameter free: further members, which may be anything.
    func conditions(_ path: String, are object: JSONObject, besides free: [String] = []) -> [String] {
        let names = (object.names + free).sorted().map { "'\($0)'" }.joined(separator: ", ")
        // As a value of any type: the members of a type with known fields cannot be counted.
        return ["dyn(\(path)).all(k, k in [\(names)])"]
            + object.flatMap { name, value in
                ["has(\(path).\(name))"] + conditions("\(path).\(name)", are: value)
            }
    }

    private func conditions(_ path: String, are value: JSONValue) -> [String] {
        switch value {
        case .object(let object): return conditions(path, are: object)
        case .array(let elements) where elements.contains { $0.objectValue != nil }:
            return ["size(\(path)) == \(elements.count)"]
                + elements.enumerated().flatMap { conditions("\(path)[\($0.offset)]", are: $0.element) }
        default:
            let literal = ObjectText(isTyped: false, expressions: [:]).literal(value)
            return ["\(path) == \(expressions[path] ?? literal)"]
        }
    }
}
