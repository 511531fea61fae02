/// A map of CBOR that keeps the order of its keys, each of which stands in it once.
public struct CBORMap: Sendable {
    /// The keys in their order.
    public private(set) var keys: [CBORValue] = []
    private var values: [CBORValue: CBORValue] = [:]

    /// An empty map.
    public init() {}

    /// A map of these entries in their order; of a repeated key the last value counts.
    public init(_ entries: some Sequence<(CBORValue, CBORValue)>) {
        for (key, value) in entries { self[key] = value }
    }

    /// The number of entries.
    public var count: Int { keys.count }

    /// The value of a key. Setting keeps the place of a key that is there, appends a new one, and removes it when set to
    /// `nil`.
    public subscript(_ key: CBORValue) -> CBORValue? {
        get { values[key] }
        set {
            let old = values.updateOrRemove(newValue, for: key)
            switch (old, newValue) {
            case (nil, .some): keys.append(key)
            case (.some, nil): keys.removeAll { $0 == key }
            default: break
            }
        }
    }

    /// Adds an entry; `false` when the key is there already.
    mutating func insert(_ value: CBORValue, for key: CBORValue) -> Bool {
        guard values[key] == nil else { return false }
        values[key] = value
        keys.append(key)
        return true
    }
}

extension CBORMap: Hashable {
    /// Compares without regard to the order of keys.
    public static func == (left: CBORMap, right: CBORMap) -> Bool { left.values == right.values }

    /// Hashes consistently with `==`.
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension Dictionary {
    fileprivate mutating func updateOrRemove(_ value: Value?, for key: Key) -> Value? {
        guard let value else { return removeValue(forKey: key) }
        return updateValue(value, forKey: key)
    }
}
