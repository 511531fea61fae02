/// A map with keys of type bool, int, uint or string, in the order of insertion.
///
/// Keys are found across the numeric types: `1`, `1u` and `1.0` name the same entry.
public struct CELMap: Sendable, Sequence {
    /// A key with its value.
    public typealias Element = (key: CELValue, value: CELValue)

    private enum Key: Hashable, Sendable {
        case bool(Bool)
        case int(Int64)
        case uint(UInt64)
        case string(ExactText)
    }

    /// Up to this many entries a walk is quicker than a hash.
    private static let indexThreshold = 12

    /// The keys in order.
    public private(set) var keys: [CELValue] = []
    private var values: [CELValue] = []
    private var index: [Key: Int]?

    /// An empty map.
    public init() {}

    /// The number of entries.
    public var count: Int { keys.count }
    /// Whether there are no entries.
    public var isEmpty: Bool { keys.isEmpty }

    /// Walks over the entries in order.
    public struct Iterator: IteratorProtocol {
        private var entries: Zip2Sequence<[CELValue], [CELValue]>.Iterator

        fileprivate init(_ map: CELMap) { entries = zip(map.keys, map.values).makeIterator() }

        /// The next entry, or nil at the end.
        public mutating func next() -> Element? { entries.next().map { (key: $0.0, value: $0.1) } }
    }

    /// An iterator over the entries in order.
    public func makeIterator() -> Iterator { Iterator(self) }

    /// The value of a key of any numeric type, bool or string; nil when it is absent or of another type.
    public subscript(_ key: CELValue) -> CELValue? { position(of: key).map { values[$0] } }

    /// The value of a string key.
    public subscript(_ name: String) -> CELValue? {
        if index != nil { return self[.string(name)] }
        for position in keys.indices {
            if case .string(let text) = keys[position], ExactText.equal(text, name) { return values[position] }
        }
        return nil
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
        guard Self.isKey(key), let canonical = Self.canonical(key), position(of: canonical, orKey: key) == nil else {
            return false
        }
        keys.append(key)
        values.append(value)
        if index != nil {
            index?[canonical] = keys.count - 1
        } else if keys.count > Self.indexThreshold {
            var built: [Key: Int] = [:]
            for (position, key) in keys.enumerated() {
                if let canonical = Self.canonical(key) { built[canonical] = position }
            }
            index = built
        }
        return true
    }

    private func position(of key: CELValue) -> Int? {
        Self.canonical(key).flatMap { position(of: $0, orKey: key) }
    }

    private func position(of canonical: Key, orKey key: CELValue) -> Int? {
        if let index { return index[canonical] }
        return keys.firstIndex { Self.canonical($0) == canonical }
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
