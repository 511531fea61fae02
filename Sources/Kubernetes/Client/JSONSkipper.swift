import Encodings

/// Walks over JSON without reading it: finds where values end, however deep they are.
///
/// It does not recurse, and does not judge what it walks over. Whatever is kept of the text goes through the strict reader.
struct JSONSkipper {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The byte at the present position; nil at the end.
    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Goes past one byte and the space after it; false when another byte stands there.
    mutating func pass(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        skipSpace()
        return true
    }

    /// Goes past a string, from its opening quote; false when it does not end.
    mutating func skipString() -> Bool {
        position += 1
        while let byte = current {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    /// Goes past a value, from its first byte; false when it does not end.
    mutating func skipValue() -> Bool {
        var depth = 0
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
                if depth == 0 { return true }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // The end of what a number or a word stands in.
                guard depth > 0 else { return true }
                depth -= 1
                position += 1
                if depth == 0 { return true }
            case UInt8(ascii: ","):
                guard depth > 0 else { return true }
                position += 1
            default:
                position += 1
            }
        }
        return false
    }
}

extension [UInt8] {
    /// The JSON with `null` in place of every array and object that lies deeper than `depth` levels; nil when it does not end.
    func cuttingJSON(deeperThan depth: Int) -> [UInt8]? {
        var result: [UInt8] = []
        var open = 0
        var copied = 0
        var walk = JSONSkipper(self)
        while let byte = walk.current {
            switch byte {
            case UInt8(ascii: "\""):
                guard walk.skipString() else { return nil }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if open < depth {
                    open += 1
                    _ = walk.pass(byte)
                } else {
                    result += self[copied..<walk.position]
                    result += Array("null".utf8)
                    guard walk.skipValue() else { return nil }
                    copied = walk.position
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                open -= 1
                _ = walk.pass(byte)
            default:
                _ = walk.pass(byte)
            }
        }
        return result + self[copied...]
    }

    /// The text of a list without its items, and where those are; nil when this is no list.
    func splittingJSONItems() -> (list: [UInt8], items: [Range<Int>])? {
        var walk = JSONSkipper(self)
        walk.skipSpace()
        guard walk.pass(UInt8(ascii: "{")) else { return nil }
        while walk.current == UInt8(ascii: "\"") {
            let name = walk.position
            guard walk.skipString() else { return nil }
            let isItems = self[name..<Swift.min(walk.position, count)].elementsEqual(#""items""#.utf8)
            walk.skipSpace()
            guard walk.pass(UInt8(ascii: ":")) else { return nil }
            let start = walk.position
            if isItems, walk.current == UInt8(ascii: "[") {
                guard let items = walk.items() else { return nil }
                return (Array(self[..<start]) + Array("[]".utf8) + self[walk.position...], items)
            }
            guard walk.skipValue() else { return nil }
            walk.skipSpace()
            guard walk.pass(UInt8(ascii: ",")) else { return nil }
        }
        return nil
    }
}

extension JSONSkipper {
    /// Where the elements of the array are that begins here; nil when it does not end.
    fileprivate mutating func items() -> [Range<Int>]? {
        var items: [Range<Int>] = []
        guard pass(UInt8(ascii: "[")) else { return nil }
        while current != UInt8(ascii: "]") {
            let start = position
            guard skipValue() else { return nil }
            items.append(start..<position)
            skipSpace()
            guard pass(UInt8(ascii: ",")) || current == UInt8(ascii: "]") else { return nil }
        }
        position += 1
        return items
    }
}
