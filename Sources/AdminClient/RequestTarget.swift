/// A path with a query, percent-encoded so that no name can leave its segment.
struct RequestTarget: Sendable {
    private(set) var text: String

    /// A fixed path, taken as it is.
    init(_ path: String) { text = path }

    /// Appends one segment.
    func appending(_ segment: String) throws(AdminClientError) -> RequestTarget {
        guard !segment.isEmpty, segment != ".", segment != ".." else {
            throw AdminClientError(.invalidInput, "\"\(segment)\" cannot be part of a name")
        }
        var target = self
        target.text += "/" + Self.encode(segment)
        return target
    }

    /// Appends the segments of a name that may contain slashes.
    func appending(path: String) throws(AdminClientError) -> RequestTarget {
        var target = self
        for segment in path.split(separator: "/", omittingEmptySubsequences: false) {
            target = try target.appending(String(segment))
        }
        return target
    }

    /// Appends a query parameter, unless the value is nil.
    func asking(_ name: String, _ value: String?) -> RequestTarget {
        guard let value else { return self }
        var target = self
        target.text += (text.contains("?") ? "&" : "?") + Self.encode(name) + "=" + Self.encode(value)
        return target
    }

    /// RFC 3986: everything but unreserved characters is encoded.
    private static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded.append("%")
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 15)])
            }
        }
        return encoded
    }
}
