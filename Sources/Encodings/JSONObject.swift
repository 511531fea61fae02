/// A JSON object that keeps the order of its members. Names are unique and compared by code points.
public struct JSONObject: Sendable {
    fileprivate struct Member: Sendable {
        let name: String
        var value: JSONValue
    }

    /// Above this many members look-ups go through a hash index; below, comparing is faster.
    private static let indexThreshold = 12

    private var members: [Member] = []
    private var index: [ExactName: Int]?

    /// An empty object.
    public init() {}

    /// An object of the given members in their order; of a repeated name the last value counts.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        for (name, value) in members { self[name] = value }
    }

    /// The number of members.
    public var count: Int { members.count }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }

    /// The names in member order.
    public var names: [String] { members.map(\.name) }

    /// The value of the named member. Setting keeps the position of an existing member, appends a new one, and removes
    /// the member when set to `nil`.
    public subscript(_ name: String) -> JSONValue? {
        get {
            position(of: name).map { members[$0].value }
        }
        set {
            switch (position(of: name), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): remove(at: position)
            case (nil, let value?): append(name: name, value: value)
            case (nil, nil): break
            }
        }
    }

    /// Appends a member unless the name is taken; answers whether it was appended.
    mutating func appendIfAbsent(name: String, value: JSONValue) -> Bool {
        guard position(of: name) == nil else { return false }
        append(name: name, value: value)
        return true
    }

    /// Whether a member of this name exists.
    public func contains(_ name: String) -> Bool { position(of: name) != nil }

    /// The same object with members ordered by the UTF-16 code units of their names (RFC 8785 section 3.2.3), this level
    /// only.
    public func sorted() -> JSONObject {
        var result = JSONObject()
        for member in members.sorted(by: { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) }) {
            result.append(name: member.name, value: member.value)
        }
        return result
    }

    private func position(of name: String) -> Int? {
        if let index { return index[ExactName(text: name)] }
        return members.firstIndex { ExactString.equal($0.name, name) }
    }

    private mutating func append(name: String, value: JSONValue) {
        members.append(Member(name: name, value: value))
        if index != nil {
            index?[ExactName(text: name)] = members.count - 1
        } else if members.count > Self.indexThreshold {
            rebuildIndex()
        }
    }

    private mutating func remove(at position: Int) {
        members.remove(at: position)
        if index != nil { rebuildIndex() }
    }

    private mutating func rebuildIndex() {
        guard members.count > Self.indexThreshold else {
            index = nil
            return
        }
        var rebuilt = [ExactName: Int](minimumCapacity: members.count)
        for (position, member) in members.enumerated() { rebuilt[ExactName(text: member.name)] = position }
        index = rebuilt
    }
}

extension JSONObject: Sequence {
    /// Walks over the members in their order.
    public struct Iterator: IteratorProtocol {
        private var members: IndexingIterator<[JSONObject.Member]>

        fileprivate init(_ members: [Member]) { self.members = members.makeIterator() }

        /// The next member, or `nil` at the end.
        public mutating func next() -> (name: String, value: JSONValue)? {
            members.next().map { (name: $0.name, value: $0.value) }
        }
    }

    /// An iterator over the members in their order.
    public func makeIterator() -> Iterator { Iterator(members) }

    /// The number of members.
    public var underestimatedCount: Int { members.count }
}

extension JSONObject: Hashable {
    /// Compares names and values without regard to order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.name] == $0.value }
    }

    /// Hashes consistently with `==`, that is without regard to order.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for member in members {
            var own = Hasher()
            ExactString.hash(member.name, into: &own)
            own.combine(member.value)
            combined ^= own.finalize()
        }
        hasher.combine(combined)
        hasher.combine(members.count)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object in the order written; of a repeated name the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}

extension JSONObject: CustomStringConvertible {
    /// The compact JSON text.
    public var description: String { serializedString() }
}
