/// Writes JSON texts byte by byte.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Two blanks per level when set, no white space otherwise.
    var pretty = false

    mutating func write(_ value: JSONValue, level: Int = 0) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .int(let number): append(String(number))
        case .uint(let number): append(String(number))
        case .double(let number): append(DecimalNumber(number)?.jsonText ?? "null")
        case .string(let text): write(text)
        case .array(let elements): write(elements, level: level)
        case .object(let object): write(object, level: level)
        }
    }

    mutating func write(_ object: JSONObject, level: Int = 0) {
        bytes.append(UInt8(ascii: "{"))
        var first = true
        for (name, value) in object {
            separate(first: first, level: level + 1)
            first = false
            write(name)
            bytes.append(UInt8(ascii: ":"))
            if pretty { bytes.append(0x20) }
            write(value, level: level + 1)
        }
        if !first { breakLine(level) }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ elements: [JSONValue], level: Int) {
        bytes.append(UInt8(ascii: "["))
        var first = true
        for element in elements {
            separate(first: first, level: level + 1)
            first = false
            write(element, level: level + 1)
        }
        if !first { breakLine(level) }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Writes a string with the escapes that RFC 8259 demands (the same set as RFC 8785 section 3.2.2.2) and no others.
    mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Nearly all strings need no escape, and copying them whole is several times faster.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy(Self.isPlain) } ?? false
        if isPlain {
            append(text)
        } else {
            writeEscaped(text)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func writeEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            case 0..<0x20:
                append("\\u00")
                append(Hex.encode([byte]))
            default: bytes.append(byte)
            }
        }
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    private mutating func separate(first: Bool, level: Int) {
        if !first { bytes.append(UInt8(ascii: ",")) }
        breakLine(level)
    }

    private mutating func breakLine(_ level: Int) {
        guard pretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: level * 2))
    }
}

extension JSONValue {
    /// The compact JSON text in UTF-8: member order kept, only mandatory escapes, `/` as it is. Doubles that are not
    /// finite become `null`.
    public func serialized() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// The compact JSON text; see `serialized()`.
    public func serializedString() -> String {
        String(decoding: serialized(), as: UTF8.self)
    }

    /// The JSON text over several lines, indented by two blanks, without a newline at its end.
    public func pretty() -> String {
        var writer = JSONWriter()
        writer.pretty = true
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension JSONObject {
    /// The compact JSON text in UTF-8; see `JSONValue.serialized()`.
    public func serialized() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// The compact JSON text; see `JSONValue.serialized()`.
    public func serializedString() -> String {
        String(decoding: serialized(), as: UTF8.self)
    }

    /// The canonical form of RFC 8785; see `JSONValue.canonical()`.
    public func canonical() throws(JSONError) -> [UInt8] {
        try JSONValue.object(self).canonical()
    }
}
