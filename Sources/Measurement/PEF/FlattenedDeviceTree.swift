/// A tree of named values as firmware passes it on (Devicetree Specification 0.4, chapter 5).
public struct FlattenedDeviceTree: Sendable, Hashable {
    /// A node with its values and the nodes below it, both in their order.
    public struct Node: Sendable, Hashable {
        /// The name; empty for the root.
        public let name: String
        /// The values by name.
        public var properties: [(name: String, value: [UInt8])] = []
        /// The nodes below.
        public var children: [Node] = []

        /// A node without anything in it.
        public init(_ name: String) { self.name = name }

        /// The first value of this name.
        public subscript(property name: String) -> [UInt8]? { properties.first { $0.name == name }?.value }

        /// The first node of this name.
        public subscript(child name: String) -> Node? { children.first { $0.name == name } }

        /// The value of this name as a text, which ends with the one zero that it has.
        public func text(_ name: String) -> String? {
            guard let value = self[property: name], value.last == 0, !value.dropLast().contains(0) else { return nil }
            return String(validating: value.dropLast(), as: UTF8.self)
        }

        /// Nodes are equal when everything in them is, in the same order.
        public static func == (left: Node, right: Node) -> Bool {
            left.name == right.name && left.children == right.children
                && left.properties.elementsEqual(right.properties) { $0.name == $1.name && $0.value == $1.value }
        }

        /// Hashes the name and what is in it.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(children)
            for property in properties {
                hasher.combine(property.name)
                hasher.combine(property.value)
            }
        }
    }

    /// The largest tree that is read: files may be in it.
    public static let maximumSize = 16 << 20

    /// The root.
    public var root: Node

    /// A tree with this root.
    public init(_ root: Node) { self.root = root }
}

extension FlattenedDeviceTree {
    private static let magic: UInt32 = 0xD00D_FEED
    private static let headerSize = 40
    private static let version: UInt32 = 17
    private static let oldestVersion: UInt32 = 16

    private enum Token: UInt32 {
        case beginNode = 1
        case endNode = 2
        case property = 3
        case nothing = 4
        case end = 9
    }

    /// Reads a tree, all of the bytes; a name that is there twice among a node's values or below it is refused, because
    /// another reader could take the other.
    ///
    /// Throws `malformed_image` and `too_large`.
    public init(parsing bytes: [UInt8]) throws(MeasurementError) {
        guard bytes.count <= Self.maximumSize else {
            throw MeasurementError(.tooLarge, "The device tree is larger than \(Self.maximumSize) bytes.")
        }
        var header = StructureReader(bytes, "The device tree")
        guard try header.u32BE() == Self.magic else { throw header.malformed("it does not begin with its mark.") }
        guard Int(try header.u32BE()) == bytes.count else {
            throw header.malformed("it has another size than it says.")
        }
        let (structure, strings) = (Int(try header.u32BE()), Int(try header.u32BE()))
        try header.skip(4)
        guard try header.u32BE() == Self.version, try header.u32BE() == Self.oldestVersion else {
            throw header.malformed("its version is not 17.")
        }
        try header.skip(4)
        let (stringsSize, structureSize) = (Int(try header.u32BE()), Int(try header.u32BE()))
        guard structure >= Self.headerSize, structure % 4 == 0, structureSize <= bytes.count,
            structure <= bytes.count - structureSize, strings >= Self.headerSize, stringsSize <= bytes.count,
            strings <= bytes.count - stringsSize
        else { throw header.malformed("its parts are not in it.") }
        var reader = NodeReader(
            tokens: StructureReader(Array(bytes[structure..<(structure + structureSize)]), "The device tree"),
            strings: Array(bytes[strings..<(strings + stringsSize)]))
        root = try reader.tree()
    }

    /// A cursor over the tokens of a tree.
    private struct NodeReader {
        var tokens: StructureReader
        let strings: [UInt8]
        var nodes = 0
        var properties = 0

        static let maximumDepth = 8
        static let maximumNodes = 1024
        static let maximumProperties = 4096
        static let maximumNameSize = 64

        mutating func tree() throws(MeasurementError) -> Node {
            guard try token() == .beginNode else { throw tokens.malformed("it has no root.") }
            let root = try node(depth: 1)
            guard root.name.isEmpty else { throw tokens.malformed("its root has a name.") }
            guard try token() == .end, tokens.remaining == 0 else {
                throw tokens.malformed("something follows its root.")
            }
            return root
        }

        private mutating func token() throws(MeasurementError) -> Token {
            while true {
                guard let token = Token(rawValue: try tokens.u32BE()) else {
                    throw tokens.malformed("it has a token that is not known.")
                }
                if token != .nothing { return token }
            }
        }

        private mutating func node(depth: Int) throws(MeasurementError) -> Node {
            nodes += 1
            guard depth <= Self.maximumDepth, nodes <= Self.maximumNodes else {
                throw tokens.malformed("it has too many nodes.")
            }
            var node = Node(try name())
            while true {
                switch try token() {
                case .property:
                    guard node.children.isEmpty else { throw tokens.malformed("a value follows a node.") }
                    let property = try property()
                    guard node[property: property.name] == nil else {
                        throw tokens.malformed("the value \(property.name) is there twice.")
                    }
                    node.properties.append(property)
                case .beginNode:
                    let child = try self.node(depth: depth + 1)
                    guard !child.name.isEmpty, node[child: child.name] == nil else {
                        throw tokens.malformed("a node has no name, or that of another.")
                    }
                    node.children.append(child)
                case .endNode: return node
                case .end, .nothing: throw tokens.malformed("a node has no end.")
                }
            }
        }

        private mutating func property() throws(MeasurementError) -> (name: String, value: [UInt8]) {
            properties += 1
            guard properties <= Self.maximumProperties else { throw tokens.malformed("it has too many values.") }
            let (size, offset) = (Int(try tokens.u32BE()), Int(try tokens.u32BE()))
            guard offset < strings.count else { throw tokens.malformed("the name of a value is not in it.") }
            let name = strings[offset...].prefix(Self.maximumNameSize + 1).prefix { $0 != 0 }
            guard name.endIndex < strings.count else { throw tokens.malformed("the name of a value has no end.") }
            let value = try tokens.bytes(size)
            try pad()
            return (try text(Array(name)), value)
        }

        private mutating func name() throws(MeasurementError) -> String {
            var bytes: [UInt8] = []
            while bytes.count <= Self.maximumNameSize {
                let byte = try tokens.bytes(1)[0]
                guard byte != 0 else {
                    try pad()
                    return bytes.isEmpty ? "" : try text(bytes)
                }
                bytes.append(byte)
            }
            throw tokens.malformed("a name is too long.")
        }

        /// A name of the characters that names may have.
        private func text(_ bytes: [UInt8]) throws(MeasurementError) -> String {
            guard FlattenedDeviceTree.isName(bytes) else { throw tokens.malformed("a name is none.") }
            return String(decoding: bytes, as: UTF8.self)
        }

        private mutating func pad() throws(MeasurementError) {
            while tokens.position % 4 != 0 {
                guard try tokens.bytes(1) == [0] else { throw tokens.malformed("bytes between values are not zero.") }
            }
        }
    }

    /// Whether a node or value may have this name: letters, digits and `,._+-#?@`, at most 64.
    static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        (1...NodeReader.maximumNameSize).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: ",._+-#?@".utf8.contains(byte)
                }
            }
    }

    /// The tree as bytes: header, no reserved memory, tokens, and the names of values, each once.
    public func serialized() -> [UInt8] {
        var tokens: [UInt8] = []
        var strings: [UInt8] = []
        var offsets: [String: UInt32] = [:]
        func number(_ value: UInt32) -> [UInt8] { value.littleEndianBytes.reversed() }
        func pad() { while tokens.count % 4 != 0 { tokens.append(0) } }
        func write(_ node: Node) {
            tokens += number(Token.beginNode.rawValue) + Array(node.name.utf8) + [0]
            pad()
            for (name, value) in node.properties {
                if offsets[name] == nil {
                    offsets[name] = UInt32(strings.count)
                    strings += Array(name.utf8) + [0]
                }
                tokens += number(Token.property.rawValue) + number(UInt32(value.count)) + number(offsets[name] ?? 0)
                tokens += value
                pad()
            }
            for child in node.children { write(child) }
            tokens += number(Token.endNode.rawValue)
        }
        write(root)
        tokens += number(Token.end.rawValue)
        let reservations = [UInt8](repeating: 0, count: 16)
        let structure = UInt32(Self.headerSize + reservations.count)
        let names = structure + UInt32(tokens.count)
        let fields: [UInt32] = [
            Self.magic, names + UInt32(strings.count), structure, names, UInt32(Self.headerSize), Self.version,
            Self.oldestVersion, 0, UInt32(strings.count), UInt32(tokens.count),
        ]
        return fields.flatMap { number($0) } + reservations + tokens + strings
    }
}
