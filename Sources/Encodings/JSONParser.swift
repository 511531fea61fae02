/// A recursive-descent reader of RFC 8259 with every bound checked.
struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var remainingValues: Int
    var position = 0

    static func parse(_ bytes: [UInt8], limits: JSONLimits) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw JSONError(
                code: "too_large", offset: 0, line: 1, column: 1,
                message: "The JSON text has \(bytes.count) bytes; at most \(limits.maximumBytes) are accepted")
        }
        var parser = JSONParser(
            bytes: bytes, maximumDepth: min(limits.maximumDepth, JSONLimits.deepestNesting),
            remainingValues: limits.maximumValues)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else {
            throw parser.error("trailing_bytes", "There is something after the end of the JSON value")
        }
        return value
    }

    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard position < bytes.count else { throw endError() }
        guard remainingValues > 0 else { throw error("too_many_values", "The JSON text has too many values") }
        remainingValues -= 1
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return try number()
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        default: throw error("unexpected_byte", "A JSON value was expected here")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try enter(depth)
        var object = JSONObject()
        if try closes(UInt8(ascii: "}")) { return object }
        while true {
            let start = position
            guard try current() == UInt8(ascii: "\"") else {
                throw error("unexpected_byte", "A member name was expected here")
            }
            let name = try string()
            skipSpace()
            guard try current() == UInt8(ascii: ":") else {
                throw error("unexpected_byte", "A colon was expected here")
            }
            position += 1
            skipSpace()
            let value = try value(depth: depth)
            guard object.appendIfAbsent(name: name, value: value) else {
                position = start
                throw error("duplicate_name", "A member name occurs twice in one object")
            }
            if try ends(with: UInt8(ascii: "}")) { return object }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try enter(depth)
        var elements = [JSONValue]()
        if try closes(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value(depth: depth))
            if try ends(with: UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= maximumDepth else { throw error("too_deep", "The JSON text is nested too deeply") }
        position += 1
        skipSpace()
    }

    private mutating func closes(_ closing: UInt8) throws(JSONError) -> Bool {
        guard try current() == closing else { return false }
        position += 1
        return true
    }

    /// After an element: `true` at the closing bracket, `false` after a comma.
    private mutating func ends(with closing: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        let byte = try current()
        guard byte == closing || byte == UInt8(ascii: ",") else {
            throw error("unexpected_byte", "A comma or a closing bracket was expected here")
        }
        position += 1
        if byte == closing { return true }
        skipSpace()
        return false
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count else { throw endError() }
            guard bytes[position] == word.utf8Start[index] else {
                throw error("unexpected_byte", "A JSON value was expected here")
            }
            position += 1
        }
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    func current() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw endError() }
        return bytes[position]
    }

    func error(_ code: String, _ message: String) -> JSONError {
        JSONError(code: code, offset: position, in: bytes, message: message)
    }

    func endError() -> JSONError {
        error("unexpected_end", "The JSON text ends too early")
    }
}
