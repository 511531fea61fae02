extension JSONValue {
    /// Reads exactly one JSON text (RFC 8259).
    ///
    /// Refused besides anything that is not JSON: repeated member names, bytes that are not UTF-8, lone surrogates, a byte
    /// order mark, numbers beyond double precision's range, bytes after the value (white space excepted), and whatever
    /// passes the limits.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        self = try JSONParser.parse(bytes, limits: limits)
    }

    /// Reads exactly one JSON text (RFC 8259) under the same rules as for bytes.
    public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        self = try JSONParser.parse(Array(text.utf8), limits: limits)
    }
}

extension JSONObject {
    /// Reads a JSON text that must be an object; anything else is refused with code `wrong_type`.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        guard case .object(let object) = try JSONParser.parse(bytes, limits: limits) else {
            throw JSONError(code: "wrong_type", offset: 0, line: 1, column: 1, message: "A JSON object was expected")
        }
        self = object
    }

    /// Reads a JSON text that must be an object; anything else is refused with code `wrong_type`.
    public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}
