extension JSONValue {
    /// The canonical form of RFC 8785: no white space, members ordered by the UTF-16 code units of their names, numbers as
    /// ECMAScript writes them.
    ///
    /// Integers that ECMAScript would print with other digits (all up to ±2^53 are safe) and doubles that are not finite
    /// have no canonical form without loss and are refused with code `not_canonicalizable`, so that documents with
    /// different numbers never share one.
    public func canonical() throws(JSONError) -> [UInt8] {
        var writer = JSONWriter()
        try Self.writeCanonical(self, to: &writer)
        return writer.bytes
    }

    private static func writeCanonical(_ value: JSONValue, to writer: inout JSONWriter) throws(JSONError) {
        switch value {
        case .null, .bool, .string: writer.write(value)
        case .int(let number):
            writer.append(try exactText(String(number), of: Double(number)))
        case .uint(let number):
            writer.append(try exactText(String(number), of: Double(number)))
        case .double(let number):
            guard let decimal = DecimalNumber(number) else { throw inexact() }
            writer.append(decimal.ecmaScriptText)
        case .array(let elements):
            writer.append(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { writer.append(UInt8(ascii: ",")) }
                try writeCanonical(element, to: &writer)
            }
            writer.append(UInt8(ascii: "]"))
        case .object(let object):
            try writeCanonical(object, to: &writer)
        }
    }

    private static func writeCanonical(_ object: JSONObject, to writer: inout JSONWriter) throws(JSONError) {
        writer.append(UInt8(ascii: "{"))
        for (position, member) in object.sorted().enumerated() {
            if position > 0 { writer.append(UInt8(ascii: ",")) }
            writer.write(member.name)
            writer.append(UInt8(ascii: ":"))
            try writeCanonical(member.value, to: &writer)
        }
        writer.append(UInt8(ascii: "}"))
    }

    private static func exactText(_ text: String, of number: Double) throws(JSONError) -> String {
        guard DecimalNumber(number)?.ecmaScriptText == text else { throw inexact() }
        return text
    }

    private static func inexact() -> JSONError {
        JSONError(
            code: "not_canonicalizable", offset: 0, line: 1, column: 1,
            message: "A number in the document has no exact canonical form")
    }
}
