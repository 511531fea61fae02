/// A document of XML 1.0 with namespaces, as much of it as signed manifests need.
///
/// There are no entities, character references, document types, comments, processing instructions and CDATA sections, no
/// carriage returns, and no names or namespaces beyond ASCII: each of these makes what is signed and what is read differ
/// in some reader.
public struct XMLDocument: Sendable, Hashable {
    /// Bounds on a document.
    public struct Limits: Sendable, Hashable {
        /// The greatest size in bytes.
        public var bytes: Int
        /// How deep elements may stand in each other.
        public var depth: Int
        /// The greatest number of elements.
        public var elements: Int
        /// The greatest number of attributes of one element, declarations of namespaces included.
        public var attributes: Int

        /// These bounds.
        public init(bytes: Int = 262_144, depth: Int = 16, elements: Int = 2048, attributes: Int = 32) {
            (self.bytes, self.depth, self.elements, self.attributes) = (bytes, depth, elements, attributes)
        }
    }

    /// The outermost element.
    public let root: XMLElement

    /// Reads a document in UTF-8, all of the bytes. Throws ``XMLError``.
    public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(XMLError) {
        guard bytes.count <= limits.bytes else { throw XMLError("it has more than \(limits.bytes) bytes", at: 0) }
        guard let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0 == "\t" || $0 == "\n" || $0.isXMLCharacter })
        else { throw XMLError("it is not UTF-8, or holds characters that XML has not or that are not let in", at: 0) }
        var parser = XMLParser(bytes: bytes, limits: limits)
        root = try parser.document()
    }
}

/// Why bytes are no document that is let in.
public struct XMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let reason: String
    /// At which byte, from 0.
    public let offset: Int

    init(_ reason: String, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// A clause for people.
    public var description: String { "\(reason) (byte \(offset))" }
}

extension Unicode.Scalar {
    fileprivate var isXMLCharacter: Bool {
        value >= 0x20 && value != 0xFFFE && value != 0xFFFF && !(0x7F...0x9F).contains(value)
    }
}
