extension CBORValue {
    /// Reads exactly one item, all of the bytes, under these rules.
    ///
    /// Throws ``CBORError``.
    public init(parsing bytes: [UInt8], rules: CBORRules = .strict) throws(CBORError) {
        guard bytes.count <= rules.maximumBytes else {
            throw CBORError("too_large", at: 0, "There are more than \(rules.maximumBytes) bytes")
        }
        var reader = CBORReader(bytes, rules)
        self = try reader.item(depth: 0)
        try reader.requireEnd()
    }
}

/// A recursive reader with every bound checked.
struct CBORReader {
    private let bytes: [UInt8]
    private let rules: CBORRules
    private let maximumDepth: Int
    private var remainingItems: Int
    private var position = 0

    init(_ bytes: [UInt8], _ rules: CBORRules) {
        self.bytes = bytes
        self.rules = rules
        maximumDepth = min(rules.maximumDepth, CBORRules.deepestNesting)
        remainingItems = rules.maximumItems
    }

    func requireEnd() throws(CBORError) {
        guard position == bytes.count else { throw error("trailing_bytes", "Something follows the end of the item") }
    }

    mutating func item(depth: Int) throws(CBORError) -> CBORValue {
        guard remainingItems > 0 else { throw error("too_many_items", "There are too many items") }
        remainingItems -= 1
        let start = position
        let initial = try byte()
        let head = try Head(major: initial >> 5, argument: argument(of: initial, from: start), start: start)
        switch head.major {
        case 0: return .unsigned(try definite(head))
        case 1: return .negative(try definite(head))
        case 2: return .bytes(Array(try string(head)))
        case 3: return .text(try text(head))
        case 4: return .array(try array(head, depth: depth + 1))
        case 5: return .map(try map(head, depth: depth + 1))
        case 6:
            try enter(depth + 1)
            return .tagged(try definite(head), try item(depth: depth + 1))
        default: return try simple(initial & 0x1f, head)
        }
    }

    private struct Head {
        let major: UInt8
        /// `nil` for an indefinite length.
        let argument: UInt64?
        let start: Int
    }

    private static let endMark: UInt8 = 0xff

    private mutating func argument(of initial: UInt8, from start: Int) throws(CBORError) -> UInt64? {
        let information = initial & 0x1f
        switch information {
        case 0..<24: return UInt64(information)
        case 24...27:
            let count = 1 << Int(information - 24)
            var number: UInt64 = 0
            for _ in 0..<count { number = number << 8 | UInt64(try byte()) }
            // Of floating-point numbers the width tells how to read the bits.
            if initial >> 5 == 7 { return number }
            let least: UInt64 = count == 1 ? 24 : 1 << UInt64(count * 4)
            guard number >= least || rules.allowsLongHeads else {
                throw CBORError("not_shortest", at: start, "A number takes more bytes than it needs")
            }
            return number
        case 31: return nil
        default: throw CBORError("reserved_head", at: start, "An item begins with reserved bits")
        }
    }

    private func definite(_ head: Head) throws(CBORError) -> UInt64 {
        guard let argument = head.argument else {
            throw CBORError("reserved_head", at: head.start, "An item that has no length lacks its number")
        }
        return argument
    }

    private mutating func string(_ head: Head) throws(CBORError) -> ArraySlice<UInt8> {
        guard let argument = head.argument else {
            throw CBORError("indefinite_length", at: head.start, "A string comes in pieces")
        }
        guard let count = Int(exactly: argument), count <= bytes.count - position else { throw endError() }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    private mutating func text(_ head: Head) throws(CBORError) -> String {
        guard let text = String(validating: try string(head), as: UTF8.self) else {
            throw CBORError("invalid_utf8", at: head.start, "A text is not UTF-8")
        }
        return text
    }

    private mutating func array(_ head: Head, depth: Int) throws(CBORError) -> [CBORValue] {
        try enter(depth)
        var elements: [CBORValue] = []
        guard let count = try count(head, itemsEach: 1) else {
            while try !takesEndMark() { elements.append(try item(depth: depth)) }
            return elements
        }
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try item(depth: depth)) }
        return elements
    }

    private mutating func map(_ head: Head, depth: Int) throws(CBORError) -> CBORMap {
        try enter(depth)
        var map = CBORMap()
        var previous: ArraySlice<UInt8>?
        let count = try count(head, itemsEach: 2)
        while true {
            if let count, map.count == count { return map }
            if count == nil, try takesEndMark() { return map }
            let start = position
            let key = try item(depth: depth)
            let encoded = bytes[start..<position]
            if rules.requiresSortedKeys, let previous, !previous.lexicographicallyPrecedes(encoded) {
                let isSame = previous == encoded
                throw CBORError(
                    isSame ? "duplicate_key" : "unsorted_keys", at: start, "The keys of a map are not in their order")
            }
            previous = encoded
            guard map.insert(try item(depth: depth), for: key) else {
                throw CBORError("duplicate_key", at: start, "A key stands twice in a map")
            }
        }
    }

    /// How many elements or entries follow, which the bytes and the limits must have room for; `nil` when an end mark
    /// tells.
    private func count(_ head: Head, itemsEach: Int) throws(CBORError) -> Int? {
        guard let argument = head.argument else {
            guard rules.allowsIndefiniteContainers else {
                throw CBORError("indefinite_length", at: head.start, "A container does not say how much it holds")
            }
            return nil
        }
        guard let count = Int(exactly: argument), count <= (bytes.count - position) / itemsEach else {
            throw endError()
        }
        guard count <= remainingItems / itemsEach else { throw error("too_many_items", "There are too many items") }
        return count
    }

    private mutating func simple(_ information: UInt8, _ head: Head) throws(CBORError) -> CBORValue {
        guard let argument = head.argument else {
            throw CBORError("reserved_head", at: head.start, "An end mark stands where there is nothing to end")
        }
        switch information {
        case 20: return .bool(false)
        case 21: return .bool(true)
        case 22: return .null
        case 23: return .undefined
        case 25, 26, 27: return try float(argument, information, head)
        case 24:
            // RFC 8949 section 3.3: the numbers below 32 have no form of two bytes.
            guard argument >= 32 else {
                throw CBORError("reserved_head", at: head.start, "A simple value has a form that it must not have")
            }
        default: break
        }
        return .simple(UInt8(truncatingIfNeeded: argument))
    }

    private func float(_ bits: UInt64, _ information: UInt8, _ head: Head) throws(CBORError) -> CBORValue {
        let number =
            switch information {
            case 25: CBORFloat.half(UInt16(truncatingIfNeeded: bits))
            case 26: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            default: Double(bitPattern: bits)
            }
        let width = Int(information)
        guard rules.allowsLongHeads || CBORFloat.information(of: number) == width else {
            throw CBORError("not_shortest", at: head.start, "A number takes more bytes than it needs")
        }
        return .float(number)
    }

    private mutating func takesEndMark() throws(CBORError) -> Bool {
        guard position < bytes.count else { throw endError() }
        guard bytes[position] == Self.endMark else { return false }
        position += 1
        return true
    }

    private func enter(_ depth: Int) throws(CBORError) {
        guard depth <= maximumDepth else { throw error("too_deep", "The items are nested too deeply") }
    }

    private mutating func byte() throws(CBORError) -> UInt8 {
        guard position < bytes.count else { throw endError() }
        defer { position += 1 }
        return bytes[position]
    }

    private func endError() -> CBORError { error("unexpected_end", "The bytes end within an item") }

    private func error(_ code: String, _ message: String) -> CBORError { CBORError(code, at: position, message) }
}
