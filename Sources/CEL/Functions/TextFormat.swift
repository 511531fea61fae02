#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `'…%d…'.format([values])`.
enum TextFormat {
    private static let maximumPrecision = 1000

    static func format(
        _ pattern: String, _ values: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> String {
        let scalars = Array(pattern.unicodeScalars)
        try meter.charge(bytes: pattern.utf8.count)
        var result = ""
        var position = 0
        var used = 0
        while position < scalars.count {
            guard scalars[position] == "%" else {
                result.unicodeScalars.append(scalars[position])
                position += 1
                continue
            }
            position += 1
            guard position < scalars.count else { throw failure("the format ends in %") }
            if scalars[position] == "%" {
                result.append("%")
                position += 1
                continue
            }
            guard used < values.count else { throw failure("there is no value for clause \(used + 1)") }
            let precision = try precision(scalars, &position)
            guard position < scalars.count else { throw failure("the format ends inside a clause") }
            let text = try clause(scalars[position], precision, values[used], &meter)
            try meter.charge(bytes: text.utf8.count)
            result += text
            position += 1
            used += 1
        }
        return result
    }

    private static func precision(_ scalars: [Unicode.Scalar], _ position: inout Int) throws(CELError) -> Int? {
        guard scalars[position] == "." else { return nil }
        position += 1
        var value = 0
        let start = position
        while position < scalars.count, ("0"..."9").contains(scalars[position]) {
            value = value * 10 + Int(scalars[position].value - 48)
            guard value <= maximumPrecision else { throw failure("the precision is above \(maximumPrecision)") }
            position += 1
        }
        guard position > start else { throw failure("a precision needs digits") }
        return value
    }

    private static func clause(
        _ letter: Unicode.Scalar, _ precision: Int?, _ value: CELValue, _ meter: inout CostMeter
    ) throws(CELError) -> String {
        switch letter {
        case "s": return try text(value, &meter)
        case "d": return try decimal(value)
        case "f": return try real(value, precision, "f")
        case "e": return try real(value, precision, "e")
        case "b":
            if case .bool(let truth) = value { return truth ? "1" : "0" }
            return try whole(value, radix: 2, letter)
        case "o": return try whole(value, radix: 8, letter)
        case "x", "X": return try hexadecimal(value, isUpper: letter == "X")
        default: throw failure("%\(letter) is not a known clause")
        }
    }

    private static func decimal(_ value: CELValue) throws(CELError) -> String {
        if case .double(let number) = value, !number.isFinite { return NumberText.text(number) }
        return try whole(value, radix: 10, "d")
    }

    private static func whole(
        _ value: CELValue, radix: Int, _ letter: Unicode.Scalar, isUpper: Bool = false
    ) throws(CELError) -> String {
        switch value {
        case .int(let number): return String(number, radix: radix, uppercase: isUpper)
        case .uint(let number): return String(number, radix: radix, uppercase: isUpper)
        default: throw failure("%\(letter) does not take a value of type \(value.typeName)")
        }
    }

    private static func hexadecimal(_ value: CELValue, isUpper: Bool) throws(CELError) -> String {
        let octets: [UInt8]
        switch value {
        case .string(let text): octets = Array(text.utf8)
        case .bytes(let bytes): octets = bytes
        default: return try whole(value, radix: 16, isUpper ? "X" : "x", isUpper: isUpper)
        }
        var result = ""
        for octet in octets {
            if octet < 16 { result += "0" }
            result += String(octet, radix: 16, uppercase: isUpper)
        }
        return result
    }

    private static func real(
        _ value: CELValue, _ precision: Int?, _ letter: Unicode.Scalar
    ) throws(CELError) -> String {
        let number: Double
        switch value {
        case .double(let value): number = value
        case .int(let value): number = Double(value)
        case .uint(let value): number = Double(value)
        default: throw failure("%\(letter) does not take a value of type \(value.typeName)")
        }
        guard number.isFinite else { return NumberText.text(number) }
        // The C library rounds the exact binary value, half to even, which plain arithmetic would not.
        let conversion = letter == "f" ? "%.*f" : "%.*e"
        let places = Int32(precision ?? 6)
        return withVaList([places, number]) { arguments in
            var buffer = [CChar](repeating: 0, count: 400 + maximumPrecision)
            let length = Int(vsnprintf(&buffer, buffer.count, conversion, arguments))
            return String(decoding: buffer.prefix(Swift.max(0, length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    /// The form of `%s`; maps are ordered by the text of their keys.
    private static func text(
        _ value: CELValue, _ meter: inout CostMeter, depth: Int = 0
    ) throws(CELError) -> String {
        try meter.charge(1)
        guard depth < 200 else { throw failure("the value nests too deeply") }
        switch value {
        case .null: return "null"
        case .bool(let truth): return truth ? "true" : "false"
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .double(let number): return NumberText.text(number)
        case .string(let text):
            try meter.charge(bytes: text.utf8.count)
            return text
        case .bytes(let bytes):
            try meter.charge(bytes: bytes.count)
            return String(decoding: bytes, as: UTF8.self)
        case .type(let name): return name
        case .duration(let duration): return duration.text
        case .timestamp(let timestamp): return timestamp.text
        case .opaque(let value):
            try meter.charge(bytes: value.size)
            return value.text
        case .optional: throw failure("%s does not take a value of type optional_type")
        case .list(let elements):
            var parts: [String] = []
            for element in elements { parts.append(try text(element, &meter, depth: depth + 1)) }
            return try joined(parts, "[", "]", &meter)
        case .map(let map):
            var parts: [(key: String, value: String)] = []
            var entries = map.makeIterator()
            while let (key, value) = try entries.next(&meter) {
                parts.append((try text(key, &meter), try text(value, &meter, depth: depth + 1)))
            }
            parts.sort { ExactText.precedes($0.key, $1.key) }
            return try joined(parts.map { "\($0.key): \($0.value)" }, "{", "}", &meter)
        }
    }

    /// Every level copies the texts of those below it.
    private static func joined(
        _ parts: [String], _ start: String, _ end: String, _ meter: inout CostMeter
    ) throws(CELError) -> String {
        for part in parts { try meter.charge(bytes: part.utf8.count) }
        return start + parts.joined(separator: ", ") + end
    }

    private static func failure(_ message: String) -> CELError { CELError(.invalidArgument, message) }
}
