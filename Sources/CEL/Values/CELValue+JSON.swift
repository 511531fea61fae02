import Encodings

extension CELValue {
    /// The value of a JSON value: integers become `int` (or `uint` above `Int64.max`), other numbers `double`. Members
    /// of objects are turned into values when they are asked for.
    public init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = .uint(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array(let elements): self = .list(elements.map(CELValue.init))
        case .object(let object): self = .map(CELMap(object))
        }
    }

    /// As `init(_ json:)`, and pays for the elements of lists, which are made at once.
    static func made(from json: JSONValue, _ meter: inout CostMeter) throws(CELError) -> CELValue {
        guard case .array(let elements) = json else { return CELValue(json) }
        try meter.charge(1 + elements.count / 4)
        var list: [CELValue] = []
        list.reserveCapacity(elements.count)
        for element in elements { list.append(try made(from: element, &meter)) }
        return .list(list)
    }

    /// The JSON form: bytes in base64, durations and timestamps as text, optionals as their value or null, keys of
    /// maps as text, doubles beyond JSON as `"NaN"`, `"Infinity"`, `"-Infinity"`.
    /// - Parameter maximumValues: how many values the result may hold (shared values count each time they appear).
    /// - Returns: nil when the value is larger, or nests deeper than 200.
    public func json(maximumValues: Int = 100_000) -> JSONValue? {
        var remaining = maximumValues
        return json(&remaining, depth: 0)
    }

    private func json(_ remaining: inout Int, depth: Int) -> JSONValue? {
        remaining -= 1
        guard remaining >= 0, depth < 200 else { return nil }
        switch self {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .uint(let value): return JSONValue(value)
        case .double(let value): return value.isFinite ? .double(value) : .string(NumberText.text(value))
        case .string(let value): return .string(value)
        case .bytes(let value): return .string(Base64.encode(value))
        case .duration(let value): return .string(value.text)
        case .timestamp(let value): return .string(value.text)
        case .type(let name): return .string(name)
        case .opaque(let value): return .string(value.text)
        case .optional(.none): return JSONValue.null
        case .optional(.some(let value)): return value.json(&remaining, depth: depth + 1)
        case .list(let elements): return jsonArray(elements, &remaining, depth)
        case .map(let map): return jsonObject(map, &remaining, depth)
        }
    }

    private func jsonArray(_ elements: [CELValue], _ remaining: inout Int, _ depth: Int) -> JSONValue? {
        var array: [JSONValue] = []
        for element in elements {
            guard let json = element.json(&remaining, depth: depth + 1) else { return nil }
            array.append(json)
        }
        return .array(array)
    }

    private func jsonObject(_ map: CELMap, _ remaining: inout Int, _ depth: Int) -> JSONValue? {
        var object = JSONObject()
        for (key, value) in map {
            guard let json = value.json(&remaining, depth: depth + 1) else { return nil }
            object[Self.memberName(key)] = json
        }
        return .object(object)
    }

    private static func memberName(_ key: CELValue) -> String {
        switch key {
        case .string(let value): value
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .uint(let value): String(value)
        default: key.typeName
        }
    }
}
