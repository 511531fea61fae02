/// The string extension library. Positions count code points.
enum StringExtensions {
    static let functions: [NativeFunction] = [
        .receiver("charAt", 2...2, charAt), .receiver("indexOf", 2...3, on: .string, indexOf),
        .receiver("lastIndexOf", 2...3, on: .string, lastIndexOf), .receiver("substring", 2...3, substring),
        .receiver("lowerAscii", 1...1, lowerAscii), .receiver("upperAscii", 1...1, upperAscii),
        .receiver("trim", 1...1, trim), .receiver("reverse", 1...1, reverse),
        .receiver("replace", 3...4, replace), .receiver("split", 2...3, split), .receiver("join", 1...2, join),
        .receiver("format", 2...2, format), .global("strings.quote", 1...1, quote),
    ]

    // MARK: positions

    @Sendable private static func charAt(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "charAt", &meter)
        let index = try integer(arguments, 1, "charAt")
        guard (0...text.count).contains(index) else { throw outOfRange(index) }
        return .string(index == text.count ? "" : String(text[index]))
    }

    @Sendable private static func indexOf(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "indexOf", &meter)
        let part = try scalars(arguments, 1, "indexOf", &meter)
        let start = arguments.count > 2 ? try integer(arguments, 2, "indexOf") : 0
        guard arguments.count == 2 || part.isEmpty || (0..<Swift.max(text.count, 1)).contains(start) else {
            throw outOfRange(start)
        }
        guard !part.isEmpty else { return .int(Int64(start)) }
        return .int(Int64(ByteSearch.first(part, in: text, from: start) ?? -1))
    }

    @Sendable private static func lastIndexOf(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "lastIndexOf", &meter)
        let part = try scalars(arguments, 1, "lastIndexOf", &meter)
        let last = arguments.count > 2 ? try integer(arguments, 2, "lastIndexOf") : text.count
        guard arguments.count == 2 || part.isEmpty || (0..<Swift.max(text.count, 1)).contains(last) else {
            throw outOfRange(last)
        }
        guard !part.isEmpty else { return .int(Int64(last)) }
        // Searching backwards is searching the reversed text for the reversed part.
        let skipped = Swift.max(0, text.count - part.count - last)
        guard let found = ByteSearch.first(part.reversed(), in: text.reversed(), from: skipped) else {
            return .int(-1)
        }
        return .int(Int64(text.count - found - part.count))
    }

    @Sendable private static func substring(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "substring", &meter)
        let start = try integer(arguments, 1, "substring")
        let end = arguments.count > 2 ? try integer(arguments, 2, "substring") : text.count
        guard (0...text.count).contains(start) else { throw outOfRange(start) }
        guard (0...text.count).contains(end) else { throw outOfRange(end) }
        guard start <= end else {
            throw CELError(.invalidArgument, "the substring from \(start) to \(end) is not a range")
        }
        return .string(string(text[start..<end]))
    }

    // MARK: case, blanks, order

    @Sendable private static func lowerAscii(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let octets = try utf8(arguments, "lowerAscii", &meter)
        return .string(String(decoding: octets.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self))
    }

    @Sendable private static func upperAscii(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let octets = try utf8(arguments, "upperAscii", &meter)
        return .string(String(decoding: octets.map { (97...122).contains($0) ? $0 - 32 : $0 }, as: UTF8.self))
    }

    @Sendable private static func trim(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "trim", &meter)
        let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return .string("") }
        return .string(string(text[first...last]))
    }

    @Sendable private static func reverse(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        if case .list(let list) = arguments[0] {
            try meter.charge(list.count)
            return .list(list.reversed())
        }
        return .string(string(try scalars(arguments, 0, "reverse", &meter).reversed()[...]))
    }

    // MARK: parts

    @Sendable private static func replace(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "replace", &meter)
        let old = try scalars(arguments, 1, "replace", &meter)
        let new = try scalars(arguments, 2, "replace", &meter)
        var remaining = arguments.count > 3 ? try integer(arguments, 3, "replace") : -1
        var result: [Unicode.Scalar] = []
        var position = 0
        while remaining != 0, let found = ByteSearch.first(old, in: text, from: position), found <= text.count {
            result += text[position..<found]
            result += new
            try meter.charge(bytes: 4 * (new.count + found - position) + 16)
            if remaining > 0 { remaining -= 1 }
            position = found + old.count
            guard old.isEmpty else { continue }
            // An empty match stands before every code point and at the end.
            guard position < text.count else { break }
            result.append(text[position])
            position += 1
        }
        return .string(string((result + text[Swift.min(position, text.count)...])[...]))
    }

    @Sendable private static func split(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "split", &meter)
        let separator = try scalars(arguments, 1, "split", &meter)
        let limit = arguments.count > 2 ? try integer(arguments, 2, "split") : -1
        guard limit != 0 else { return .list([]) }
        var parts: [CELValue] = []
        var position = 0
        while limit < 0 || parts.count < limit - 1 {
            let from = separator.isEmpty ? position + 1 : position
            guard let found = ByteSearch.first(separator, in: text, from: from),
                !separator.isEmpty || found < text.count
            else { break }
            try meter.charge(2)
            parts.append(.string(string(text[position..<found])))
            position = found + separator.count
        }
        guard !separator.isEmpty || !text.isEmpty else { return .list([]) }
        return .list(parts + [.string(string(text[position...]))])
    }

    @Sendable private static func join(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .list(let elements) = arguments[0] else { throw CELError.noSuchOverload("join", arguments) }
        var separator = ""
        if arguments.count > 1 {
            guard case .string(let text) = arguments[1] else { throw CELError.noSuchOverload("join", arguments) }
            separator = text
        }
        var result = ""
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else { throw CELError.noSuchOverload("join", arguments) }
            try meter.charge(1)
            try meter.charge(bytes: text.utf8.count + separator.utf8.count)
            if index > 0 { result += separator }
            result += text
        }
        return .string(result)
    }

    // MARK: quoting and formatting

    @Sendable private static func quote(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let text = try scalars(arguments, 0, "strings.quote", &meter)
        var result = "\""
        for scalar in text {
            switch scalar {
            case "\u{7}": result += "\\a"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{B}": result += "\\v"
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return .string(result + "\"")
    }

    @Sendable private static func format(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .string(let pattern) = arguments[0], case .list(let values) = arguments[1] else {
            throw CELError.noSuchOverload("format", arguments)
        }
        return .string(try TextFormat.format(pattern, values, &meter))
    }

    // MARK: arguments

    private static func scalars(
        _ arguments: [CELValue], _ index: Int, _ name: String, _ meter: inout CostMeter
    ) throws(CELError) -> [Unicode.Scalar] {
        guard case .string(let text) = arguments[index] else { throw CELError.noSuchOverload(name, arguments) }
        try meter.charge(bytes: 4 * text.utf8.count)
        return Array(text.unicodeScalars)
    }

    private static func utf8(
        _ arguments: [CELValue], _ name: String, _ meter: inout CostMeter
    ) throws(CELError) -> [UInt8] {
        guard case .string(let text) = arguments[0] else { throw CELError.noSuchOverload(name, arguments) }
        try meter.charge(bytes: text.utf8.count)
        return Array(text.utf8)
    }

    private static func integer(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> Int {
        guard case .int(let value) = arguments[index] else { throw CELError.noSuchOverload(name, arguments) }
        return Int(value)
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    private static func outOfRange(_ index: Int) -> CELError {
        CELError(.invalidArgument, "the index \(index) is out of range")
    }
}
