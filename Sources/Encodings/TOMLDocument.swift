/// Reads TOML 1.0 into JSON values.
///
/// Guests send TOML before anything about them is known, so the reader bounds its input, its nesting and the number of
/// its values, and it allocates in proportion to the input. Dates and times become strings as written; infinities and
/// not-a-number have no JSON form and are refused.
public enum TOMLDocument {
    /// The greatest nesting of tables and arrays.
    static let maximumDepth = 16
    /// The greatest number of keys and array elements.
    static let maximumValues = 50_000
    /// The greatest size of a document in bytes.
    static let maximumBytes = 2_097_152

    /// The document's root table, members in the order of their first mention. Throws ``TOMLError``.
    public static func parse(_ text: String) throws(TOMLError) -> JSONObject {
        guard text.utf8.count <= maximumBytes else { throw TOMLError(line: 1, message: "the document is too large") }
        var reader = TOMLReader(text)
        let root = TOMLTable(origin: .header)
        var current = (table: root, depth: 0)
        while reader.skipBlankLines() {
            if reader.peek() == UInt8(ascii: "[") {
                current = try header(&reader, root: root)
            } else {
                try keyValue(&reader, into: current.table, depth: current.depth)
            }
            try reader.endOfLine()
        }
        try reader.requireEnd()
        return root.json()
    }

    /// Reads a table header; answers the table that it names and how deep that stands.
    private static func header(
        _ reader: inout TOMLReader, root: TOMLTable
    ) throws(TOMLError) -> (table: TOMLTable, depth: Int) {
        reader.advance()
        let isArray = reader.take(UInt8(ascii: "["))
        let path = try reader.key()
        guard reader.take(UInt8(ascii: "]")), !isArray || reader.take(UInt8(ascii: "]")) else {
            throw reader.error("a table header is not closed")
        }
        try reader.count(path.count)
        var table = root
        for name in path.dropLast() {
            switch table.entry(name) {
            case nil: table = table.insert(TOMLTable(origin: .implied), at: name)
            case .table(let next) where next.origin != .inline: table = next
            case .tables(let elements): table = elements.last
            default: throw reader.error("a table header goes through something that is no table")
            }
        }
        let name = path[path.count - 1]
        if isArray {
            switch table.entry(name) {
            case nil: return (table.insert(elements: TOMLTableArray(), at: name).append(), path.count)
            case .tables(let elements): return (elements.append(), path.count)
            default: throw reader.error("an array of tables has the name of something else")
            }
        }
        switch table.entry(name) {
        case nil: return (table.insert(TOMLTable(origin: .header), at: name), path.count)
        case .table(let existing) where existing.origin == .implied:
            existing.origin = .header
            return (existing, path.count)
        default: throw reader.error("a table is defined twice")
        }
    }

    /// Reads `key = value` into `table`, also for the members of inline tables.
    static func keyValue(_ reader: inout TOMLReader, into table: TOMLTable, depth: Int) throws(TOMLError) {
        let path = try reader.key()
        try reader.count(path.count)
        guard depth + path.count <= maximumDepth else { throw reader.error("tables are nested too deeply") }
        guard reader.take(UInt8(ascii: "=")) else { throw reader.error("a key is not followed by '='") }
        reader.skipSpaces()
        var target = table
        for name in path.dropLast() {
            switch target.entry(name) {
            case nil: target = target.insert(TOMLTable(origin: .dotted), at: name)
            case .table(let next) where next.origin == .dotted: target = next
            default: throw reader.error("a dotted key goes through something that is defined elsewhere")
            }
        }
        let name = path[path.count - 1]
        guard target.entry(name) == nil else { throw reader.error("a key is defined twice") }
        target.insert(try reader.value(depth: depth + path.count), at: name)
    }
}

/// Why a text is no TOML document that can be read.
public struct TOMLError: Error, Sendable, Hashable {
    /// The line, counted from 1.
    public let line: Int
    /// What is wrong, without a full stop.
    public let message: String
}

/// A table while its document is being read.
final class TOMLTable {
    /// How a table came to be, which decides what may be added to it later.
    enum Origin {
        /// A `[header]`, or the root.
        case header
        /// Part of a longer header; its own header may still follow.
        case implied
        /// Part of a dotted key; dotted keys of the same section may add to it.
        case dotted
        /// Written in braces; complete.
        case inline
    }

    enum Entry {
        case value(JSONValue)
        case table(TOMLTable)
        case tables(TOMLTableArray)
    }

    var origin: Origin
    private var names: [String] = []
    /// By the names' UTF-8: keys that only look alike to Unicode are different keys.
    private var entries: [[UInt8]: Entry] = [:]

    init(origin: Origin) {
        self.origin = origin
    }

    func entry(_ name: String) -> Entry? {
        entries[Array(name.utf8)]
    }

    func insert(_ value: Entry, at name: String) {
        names.append(name)
        entries[Array(name.utf8)] = value
    }

    func insert(_ table: TOMLTable, at name: String) -> TOMLTable {
        insert(.table(table), at: name)
        return table
    }

    func insert(elements: TOMLTableArray, at name: String) -> TOMLTableArray {
        insert(.tables(elements), at: name)
        return elements
    }

    /// The table as JSON. Nesting is bounded while reading, so this recursion is too.
    func json() -> JSONObject {
        var object = JSONObject()
        for name in names {
            switch entry(name) {
            case .value(let value): object[name] = value
            case .table(let table): object[name] = .object(table.json())
            case .tables(let elements): object[name] = .array(elements.all.map { .object($0.json()) })
            case nil: break
            }
        }
        return object
    }
}

/// The tables of one `[[header]]`.
final class TOMLTableArray {
    private(set) var all: [TOMLTable] = []

    /// The table that further headers add to. There always is one, because an array is made by appending to it.
    var last: TOMLTable { all.last ?? append() }

    @discardableResult
    func append() -> TOMLTable {
        let table = TOMLTable(origin: .header)
        all.append(table)
        return table
    }
}
