import Encodings
import Foundation

@testable import Policy

extension ClaimType {
    /// What keeps a value from being one of this type, as sentences with the way to the place.
    func problems(with value: JSONValue, at path: String = "") -> [String] {
        switch (self, value) {
        case (.boolean, .bool), (.text, .string), (.anything, _): []
        case (.integer(let maximum), .int(let number)) where (0...maximum).contains(number): []
        case (.grade, .int(let number)) where (-128...127).contains(number): []
        case (.unixTime, .int(let number)) where number > 1_000_000_000: []
        case (.word(let words), .string(let text)) where words.contains(text): []
        case (.hex(let count), .string(let text)) where Self.bytes(text, Hex.decode, count): []
        case (.base64(let count), .string(let text)) where Self.bytes(text, Base64.decode, count): []
        case (.decimalText, .string(let text)) where Int64(text) != nil: []
        case (.booleanText, .string("true")), (.booleanText, .string("false")): []
        case (.time, .string(let text)) where text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil: []
        case (.timestamp, .string(let text)) where text.hasSuffix("Z"): []
        case (.duration, .string(let text)) where text.hasSuffix("s"): []
        case (.nullable, .null): []
        case (.nullable(let inner), _): inner.problems(with: value, at: path)
        case (.list(let element), .array(let items)):
            items.enumerated().flatMap { element.problems(with: $1, at: "\(path)[\($0)]") }
        case (.map(let inner), .object(let object)):
            object.flatMap { inner.problems(with: $0.value, at: "\(path).\($0.name)") }
        case (.object(let members), .object(let object)): Self.problems(object, members, path, isOpen: false)
        case (.open(let members), .object(let object)): Self.problems(object, members, path, isOpen: true)
        default: ["\(path): \(value.serializedString().prefix(80)) is not \(summary)"]
        }
    }

    private static func problems(_ object: JSONObject, _ members: [Claim], _ path: String, isOpen: Bool) -> [String] {
        var problems: [String] = []
        for (name, value) in object {
            if let claim = members.first(where: { $0.name == name }) {
                problems += claim.type.problems(with: value, at: "\(path).\(name)")
            } else if !isOpen {
                problems.append("\(path).\(name) is not in the catalogue")
            }
        }
        return problems
    }

    private static func bytes(_ text: String, _ decode: (String) throws -> [UInt8], _ count: Int?) -> Bool {
        guard let bytes = try? decode(text), text == text.trimmingCharacters(in: .whitespaces) else { return false }
        return count.map { $0 == bytes.count } ?? true
    }
}
