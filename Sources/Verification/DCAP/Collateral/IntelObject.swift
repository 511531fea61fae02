import Encodings
import FoundationEssentials
import RATS

/// An object in one of Intel's signed documents, read member by member; every complaint names the document.
struct IntelObject: Sendable {
    private let members: JSONObject
    private let what: String

    init(_ members: JSONObject, what: String) {
        self.members = members
        self.what = what
    }

    func malformed(_ reason: String) -> VerificationError { .malformedCollateral(what, reason) }

    func has(_ name: String) -> Bool { members.contains(name) }

    func text(_ name: String) throws(VerificationError) -> String {
        guard let text = members[name]?.stringValue else { throw malformed("“\(name)” is no text") }
        return text
    }

    func integer<Number: FixedWidthInteger>(_ name: String) throws(VerificationError) -> Number {
        guard let number = members[name]?.uintValue.flatMap(Number.init(exactly:)) else {
            throw malformed("“\(name)” is no number in range")
        }
        return number
    }

    func bytes(_ name: String, count: Int) throws(VerificationError) -> [UInt8] {
        guard let bytes = try? Hex.decode(text(name)), bytes.count == count else {
            throw malformed("“\(name)” is not \(count) bytes in hexadecimal digits")
        }
        return bytes
    }

    func date(_ name: String) throws(VerificationError) -> Date {
        let text = try text(name)
        // The one form that Intel writes; a parser of dates would take others too.
        guard text.utf8.count == 20, text.utf8.last == UInt8(ascii: "Z"), let date = try? Date(text, strategy: .iso8601)
        else { throw malformed("“\(name)” is no time such as 2025-06-19T10:16:03Z") }
        return date
    }

    func object(_ name: String) throws(VerificationError) -> IntelObject {
        guard case .object(let object) = members[name] else { throw malformed("“\(name)” is no object") }
        return IntelObject(object, what: what)
    }

    func objects(_ name: String) throws(VerificationError) -> [IntelObject] {
        guard case .array(let elements) = members[name] else { throw malformed("“\(name)” is no list") }
        var objects: [IntelObject] = []
        objects.reserveCapacity(elements.count)
        for element in elements {
            guard case .object(let object) = element else { throw malformed("“\(name)” is no list of objects") }
            objects.append(IntelObject(object, what: what))
        }
        return objects
    }

    /// The texts of a list that may be missing.
    func optionalTexts(_ name: String) throws(VerificationError) -> [String] {
        guard let value = members[name] else { return [] }
        guard case .array(let elements) = value else { throw malformed("“\(name)” is no list") }
        let texts = elements.compactMap(\.stringValue)
        guard texts.count == elements.count else { throw malformed("“\(name)” is no list of texts") }
        return texts
    }

    /// The members that every level has: what Intel says of it.
    func rating() throws(VerificationError) -> TCBRating {
        guard let status = TCBStatus(rawValue: try text("tcbStatus")), TCBStatus.ofLevels.contains(status) else {
            throw malformed("a level has an unknown status")
        }
        return TCBRating(status: status, date: try date("tcbDate"), advisories: try optionalTexts("advisoryIDs"))
    }
}
