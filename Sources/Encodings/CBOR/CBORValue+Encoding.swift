extension CBORValue {
    /// The item in preferred serialisation with definite lengths (RFC 8949 section 4.1), the keys of maps in their order.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    private func encode(into bytes: inout [UInt8]) {
        switch self {
        case .unsigned(let number): Self.head(0, number, into: &bytes)
        case .negative(let number): Self.head(1, number, into: &bytes)
        case .bytes(let content):
            Self.head(2, UInt64(content.count), into: &bytes)
            bytes += content
        case .text(let text):
            Self.head(3, UInt64(text.utf8.count), into: &bytes)
            bytes += text.utf8
        case .array(let elements):
            Self.head(4, UInt64(elements.count), into: &bytes)
            for element in elements { element.encode(into: &bytes) }
        case .map(let map):
            Self.head(5, UInt64(map.count), into: &bytes)
            for key in map.keys {
                key.encode(into: &bytes)
                map[key]?.encode(into: &bytes)
            }
        case .tagged(let tag, let content):
            Self.head(6, tag, into: &bytes)
            content.encode(into: &bytes)
        case .bool(let flag): bytes.append(flag ? 0xf5 : 0xf4)
        case .null: bytes.append(0xf6)
        case .undefined: bytes.append(0xf7)
        case .simple(let number): Self.head(7, UInt64(number), into: &bytes)
        case .float(let number): Self.float(number, into: &bytes)
        }
    }

    private static func head(_ major: UInt8, _ argument: UInt64, into bytes: inout [UInt8]) {
        let type = major << 5
        switch argument {
        case 0..<24: bytes.append(type | UInt8(argument))
        case ...0xff: append(type | 24, argument, 1, into: &bytes)
        case ...0xffff: append(type | 25, argument, 2, into: &bytes)
        case ...0xffff_ffff: append(type | 26, argument, 4, into: &bytes)
        default: append(type | 27, argument, 8, into: &bytes)
        }
    }

    private static func float(_ number: Double, into bytes: inout [UInt8]) {
        if let half = CBORFloat.half(number) {
            append(0xf9, UInt64(half), 2, into: &bytes)
        } else if CBORFloat.information(of: number) == 26 {
            append(0xfa, UInt64(Float(number).bitPattern), 4, into: &bytes)
        } else {
            append(0xfb, number.bitPattern, 8, into: &bytes)
        }
    }

    private static func append(_ initial: UInt8, _ argument: UInt64, _ count: Int, into bytes: inout [UInt8]) {
        bytes.append(initial)
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: argument >> UInt64(8 * index))) }
    }
}
