import Encodings

/// A map with keys of type bool, int, uint or string, in the order of insertion.
///
/// Keys are found across the numeric types: `1`, `1u` and `1.0` name the same entry. A map over a JSON object turns
/// only those members into values that are asked for, so that claims cost what an expression reads of them.
public struct CELMap: Sendable, Sequence {
    /// A key with its value.
    public typealias Element = (key: CELValue, value: CELValue)

    private struct Entry: Sendable {
        let key: CELValue
        let value: CELValue
    }

    private enum Storage: Sendable {
        /// Entries in order, and their places by key once there are many.
        case entries([Entry], index: [Key: Int]?)
        case json(JSONObject)
    }

    private enum Key: Hashable, Sendable {
        case bool(Bool)
        case int(Int64)
        case uint(UInt64)
        case string(ExactText)
    }

    /// Up to this many entries a walk is quicker than a hash.
    private static let indexThreshold = 12

    private var storage: Storage

    /// An empty map.
    public init() { storage = .entries([], index: nil) }

    /// The members of a JSON object.
    public init(_ object: JSONObject) { storage = .json(object) }

    /// The keys in order.
    public var keys: [CELValue] {
        switch storage {
        case .entries(let entries, _): entries.map(\.key)
        case .json(let object): object.names.map(CELValue.string)
        }
    }

    /// The number of entries.
    public var count: Int {
        switch storage {
        case .entries(let entries, _): entries.count
        case .json(let object): object.count
        }
    }

    /// Whether there are no entries.
    public var isEmpty: Bool { count == 0 }

    /// Walks over the entries in order.
    public struct Iterator: IteratorProtocol {
        private enum Source {
            case entries(IndexingIterator<[Entry]>)
            case json(JSONObject.Iterator)
        }

        private var source: Source

        fileprivate init(_ map: CELMap) {
            switch map.storage {
            case .entries(let entries, _): source = .entries(entries.makeIterator())
            case .json(let object): source = .json(object.makeIterator())
            }
        }

        /// The next entry, or nil at the end.
        public mutating func next() -> Element? {
            switch source {
            case .entries(var entries):
                defer { source = .entries(entries) }
                return entries.next().map { (key: $0.key, value: $0.value) }
            case .json(var members):
                defer { source = .json(members) }
                return members.next().map { (key: .string($0.name), value: CELValue($0.value)) }
            }
        }

        /// The next entry, paid for as far as it is made from JSON.
        /// - Parameter isKeyOnly: whether nobody looks at the value, which is null then.
        mutating func next(_ meter: inout CostMeter, isKeyOnly: Bool = false) throws(CELError) -> Element? {
            guard case .json(var members) = source else { return next() }
            let member = members.next()
            source = .json(members)
            guard let member else { return nil }
            return (.string(member.name), isKeyOnly ? .null : try CELValue.made(from: member.value, &meter))
        }
    }

    /// An iterator over the entries in order.
    public func makeIterator() -> Iterator { Iterator(self) }

    /// The value of a key of any numeric type, bool or string; nil when it is absent or of another type.
    public subscript(_ key: CELValue) -> CELValue? {
        if case .string(let name) = key { return self[name] }
        guard case .entries(let entries, let index) = storage, let canonical = Self.canonical(key),
            let position = Self.position(of: canonical, in: entries, index)
        else { return nil }
        return entries[position].value
    }

    /// The value of a string key.
    public subscript(_ name: String) -> CELValue? {
        switch storage {
        case .json(let object): return object[name].map(CELValue.init)
        case .entries(let entries, let index?): return index[.string(ExactText(name))].map { entries[$0].value }
        case .entries(let entries, nil):
            for entry in entries {
                if case .string(let text) = entry.key, ExactText.equal(text, name) { return entry.value }
            }
            return nil
        }
    }

    /// Whether there is a value under a string key.
    func contains(_ name: String) -> Bool {
        if case .json(let object) = storage { object.contains(name) } else { self[name] != nil }
    }

    /// As the subscript, and pays for what is made from JSON to answer.
    func value(_ key: CELValue, _ meter: inout CostMeter) throws(CELError) -> CELValue? {
        if case .string(let name) = key { return try value(name, &meter) }
        return self[key]
    }

    /// As the subscript, and pays for what is made from JSON to answer.
    func value(_ name: String, _ meter: inout CostMeter) throws(CELError) -> CELValue? {
        guard case .json(let object) = storage else { return self[name] }
        guard let json = object[name] else { return nil }
        return try CELValue.made(from: json, &meter)
    }

    /// Whether the key can be one: bool, int, uint or string.
    static func isKey(_ value: CELValue) -> Bool {
        switch value {
        case .bool, .int, .uint, .string: true
        default: false
        }
    }

    /// Adds an entry; false when the key exists or cannot be a key.
    @discardableResult
    public mutating func insert(_ value: CELValue, for key: CELValue) -> Bool {
        guard Self.isKey(key), let canonical = Self.canonical(key) else { return false }
        if case .json(let object) = storage { self = CELMap(copying: object) }
        guard case .entries(var entries, var index) = storage,
            Self.position(of: canonical, in: entries, index) == nil
        else { return false }
        // Released first, so that the entries are changed in place and not copied.
        storage = .entries([], index: nil)
        entries.append(Entry(key: key, value: value))
        if index != nil {
            index?[canonical] = entries.count - 1
        } else if entries.count > Self.indexThreshold {
            index = Self.index(of: entries)
        }
        storage = .entries(entries, index: index)
        return true
    }

    private init(copying object: JSONObject) {
        let entries = object.map { Entry(key: .string($0.name), value: CELValue($0.value)) }
        storage = .entries(entries, index: entries.count > Self.indexThreshold ? Self.index(of: entries) : nil)
    }

    private static func index(of entries: [Entry]) -> [Key: Int] {
        var index: [Key: Int] = [:]
        for (position, entry) in entries.enumerated() {
            if let canonical = canonical(entry.key) { index[canonical] = position }
        }
        return index
    }

    private static func position(of key: Key, in entries: [Entry], _ index: [Key: Int]?) -> Int? {
        if let index { return index[key] }
        return entries.firstIndex { canonical($0.key) == key }
    }

    /// One form for equal keys; a double only when it is a whole number.
    private static func canonical(_ key: CELValue) -> Key? {
        switch key {
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .uint(let value): Int64(exactly: value).map(Key.int) ?? .uint(value)
        case .double(let value): Int64(exactly: value).map(Key.int) ?? UInt64(exactly: value).map(Key.uint)
        case .string(let value): .string(ExactText(value))
        default: nil
        }
    }
}
