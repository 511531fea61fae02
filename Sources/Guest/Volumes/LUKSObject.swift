import Encodings

/// A JSON object of a volume's metadata, with refusals that name the place.
struct LUKSObject {
    private let object: JSONObject
    private let place: String

    init(_ object: JSONObject, at place: String) {
        self.object = object
        self.place = place
    }

    var isEmpty: Bool { object.isEmpty }

    func has(_ name: String) -> Bool { object.contains(name) }

    func refusal(_ reason: String) -> GuestError { LUKSHeader.refusal("in \(place), \(reason)") }

    /// Refuses members of other names.
    func allow(_ names: String...) throws(GuestError) {
        for name in object.names where !names.contains(name) {
            throw refusal("\(name.prefix(40).printable) is not expected")
        }
    }

    /// Refuses another text than this one.
    func demand(_ name: String, _ wanted: String) throws(GuestError) {
        let found = try text(name)
        guard found == wanted else {
            throw refusal("\(name) is \(found.prefix(40).printable), not \(wanted)")
        }
    }

    /// The one member.
    func only(_ kind: String) throws(GuestError) -> (name: String, object: LUKSObject) {
        guard let name = object.names.first, object.count == 1, name.utf8.count <= 4 else {
            throw refusal("there are \(object.count) \(kind), where one is expected")
        }
        return (name, try self.object(name))
    }

    func object(_ name: String) throws(GuestError) -> LUKSObject {
        guard let value = object[name]?.objectValue else { throw refusal("\(name) is missing or no object") }
        return LUKSObject(value, at: place == "the metadata" ? name : "\(place).\(name)")
    }

    func text(_ name: String) throws(GuestError) -> String {
        guard let text = object[name]?.stringValue else { throw refusal("\(name) is missing or no text") }
        return text
    }

    func number(_ name: String) throws(GuestError) -> Int {
        guard case .int(let number)? = object[name] else { throw refusal("\(name) is missing or no whole number") }
        return Int(number)
    }

    /// A size or offset: decimal digits in a text, since JSON's numbers end at 2⁵³.
    func bytes(_ name: String) throws(GuestError) -> Int {
        let digits = try text(name)
        guard digits.utf8.count <= 15, let number = Int(digits), number >= 0, "\(number)" == digits else {
            throw refusal("\(name) is no size in bytes")
        }
        return number
    }

    func names(_ name: String) throws(GuestError) -> [String] {
        guard let elements = object[name]?.arrayValue, elements.count <= 64 else {
            throw refusal("\(name) is missing or no list")
        }
        return elements.map { $0.stringValue ?? "" }
    }

    func binary(_ name: String, _ sizes: ClosedRange<Int>) throws(GuestError) -> [UInt8] {
        guard let bytes = try? Base64.decode(try text(name)), sizes.contains(bytes.count) else {
            throw refusal("\(name) is no base64 of \(sizes.lowerBound) to \(sizes.upperBound) bytes")
        }
        return bytes
    }
}
