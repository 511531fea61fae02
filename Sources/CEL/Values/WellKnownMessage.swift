/// The protocol buffer messages that have a meaning in CEL itself.
enum WellKnownMessage: String, Sendable {
    case boolValue = "google.protobuf.BoolValue"
    case bytesValue = "google.protobuf.BytesValue"
    case doubleValue = "google.protobuf.DoubleValue"
    case floatValue = "google.protobuf.FloatValue"
    case int32Value = "google.protobuf.Int32Value"
    case int64Value = "google.protobuf.Int64Value"
    case stringValue = "google.protobuf.StringValue"
    case uint32Value = "google.protobuf.UInt32Value"
    case uint64Value = "google.protobuf.UInt64Value"
    case value = "google.protobuf.Value"
    case structure = "google.protobuf.Struct"
    case listValue = "google.protobuf.ListValue"
    case timestamp = "google.protobuf.Timestamp"
    case duration = "google.protobuf.Duration"

    init?(name: String) { self.init(rawValue: name) }

    private static let valueFields = [
        "null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value",
    ]

    func hasField(_ name: String) -> Bool {
        switch self {
        case .value: Self.valueFields.contains(name)
        case .structure: name == "fields"
        case .listValue: name == "values"
        case .timestamp, .duration: name == "seconds" || name == "nanos"
        default: name == "value"
        }
    }

    /// The type of the literal as the checker sees it.
    var type: CELType {
        switch self {
        case .boolValue: .wrapper(.bool)
        case .bytesValue: .wrapper(.bytes)
        case .doubleValue, .floatValue: .wrapper(.double)
        case .int32Value, .int64Value: .wrapper(.int)
        case .stringValue: .wrapper(.string)
        case .uint32Value, .uint64Value: .wrapper(.uint)
        case .value: .dyn
        case .structure: .map(.string, .dyn)
        case .listValue: .list(.dyn)
        case .timestamp: .timestamp
        case .duration: .duration
        }
    }

    /// The value that a literal with these fields stands for.
    func value(fields: [String: CELValue], _ meter: inout CostMeter) throws(CELError) -> CELValue {
        switch self {
        case .value: return try dynamic(fields, &meter)
        case .structure:
            guard case .map = fields["fields"] ?? .emptyMap else { throw mismatch(fields["fields"]) }
            return try jsonLike(fields["fields"] ?? .emptyMap, &meter)
        case .listValue:
            guard case .list = fields["values"] ?? .list([]) else { throw mismatch(fields["values"]) }
            return try jsonLike(fields["values"] ?? .list([]), &meter)
        case .timestamp:
            return .timestamp(
                try CELTimestamp(seconds: try integer(fields["seconds"]), nanoseconds: try nanoseconds(fields)))
        case .duration:
            guard let seconds = CELDuration(seconds: try integer(fields["seconds"])) else { throw outOfRange }
            let (sum, overflow) = seconds.nanoseconds.addingReportingOverflow(Int64(try nanoseconds(fields)))
            guard !overflow else { throw outOfRange }
            return .duration(CELDuration(nanoseconds: sum))
        default: return try scalar(fields["value"])
        }
    }

    private func scalar(_ given: CELValue?) throws(CELError) -> CELValue {
        switch (self, given) {
        case (.boolValue, nil): return .bool(false)
        case (.bytesValue, nil): return .bytes([])
        case (.doubleValue, nil), (.floatValue, nil): return .double(0)
        case (.int32Value, nil), (.int64Value, nil): return .int(0)
        case (.stringValue, nil): return .string("")
        case (.uint32Value, nil), (.uint64Value, nil): return .uint(0)
        case (.int32Value, .int(let value)?):
            guard Int32(exactly: value) != nil else { throw outOfRange }
            return .int(value)
        case (.uint32Value, .uint(let value)?):
            guard UInt32(exactly: value) != nil else { throw outOfRange }
            return .uint(value)
        // A float keeps the precision of its 32 bits.
        case (.floatValue, .double(let value)?): return .double(Double(Float(value)))
        case (.boolValue, .bool?), (.bytesValue, .bytes?), (.doubleValue, .double?), (.int64Value, .int?),
            (.stringValue, .string?), (.uint64Value, .uint?):
            return given ?? .null
        default: throw mismatch(given)
        }
    }

    private func dynamic(
        _ fields: [String: CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard fields.count <= 1 else { throw CELError(.invalidArgument, "\(rawValue) takes one field") }
        guard let (name, content) = fields.first else { return .null }
        switch (name, content) {
        case ("null_value", .int(0)), ("null_value", .null): return .null
        case ("number_value", .double), ("number_value", .int), ("string_value", .string), ("bool_value", .bool),
            ("struct_value", .map), ("list_value", .list):
            return try jsonLike(content, &meter)
        default: throw mismatch(content)
        }
    }

    /// What a `google.protobuf.Value` can hold: JSON, of which every number is a double.
    private func jsonLike(_ value: CELValue, _ meter: inout CostMeter) throws(CELError) -> CELValue {
        try meter.charge(1)
        switch value {
        case .null, .bool, .double, .string: return value
        case .int(let number): return .double(Double(number))
        case .uint(let number): return .double(Double(number))
        case .list(let elements):
            var list: [CELValue] = []
            for element in elements { list.append(try jsonLike(element, &meter)) }
            return .list(list)
        case .map(let map):
            var result = CELMap()
            var entries = map.makeIterator()
            while let (key, element) = try entries.next(&meter) {
                guard case .string = key else { throw mismatch(key) }
                result.insert(try jsonLike(element, &meter), for: key)
            }
            return .map(result)
        default: throw mismatch(value)
        }
    }

    private func integer(_ value: CELValue?) throws(CELError) -> Int64 {
        switch value {
        case nil: return 0
        case .int(let number): return number
        default: throw mismatch(value)
        }
    }

    private func nanoseconds(_ fields: [String: CELValue]) throws(CELError) -> Int32 {
        guard let value = Int32(exactly: try integer(fields["nanos"])), (-999_999_999...999_999_999).contains(value)
        else { throw outOfRange }
        return value
    }

    private var outOfRange: CELError { CELError(.overflow, "the value is outside the range of \(rawValue)") }

    private func mismatch(_ value: CELValue?) -> CELError {
        CELError(.noSuchOverload, "\(rawValue) does not take a value of type \(value?.typeName ?? "none")")
    }
}
