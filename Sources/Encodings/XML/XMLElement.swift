/// An element of an XML document, with the namespaces that it declares kept apart from its attributes.
public struct XMLElement: Sendable, Hashable {
    /// A binding of a prefix to a namespace (`xmlns`, `xmlns:prefix`).
    public struct Declaration: Sendable, Hashable {
        /// The prefix, empty for the default namespace.
        public let prefix: String
        /// The namespace, printable ASCII, never empty.
        public let namespace: String
    }

    /// An attribute that declares no namespace.
    public struct Attribute: Sendable, Hashable {
        /// The prefix as it was written, empty without one.
        public let prefix: String
        /// The name without its prefix.
        public let localName: String
        /// The namespace; empty for an attribute without prefix.
        public let namespace: String
        /// The value.
        public let value: String
    }

    /// What an element holds.
    public enum Node: Sendable, Hashable {
        /// An element.
        case element(XMLElement)
        /// Characters, as they stand there.
        case text(String)
    }

    /// The prefix as it was written, empty without one.
    public let prefix: String
    /// The name without its prefix.
    public let localName: String
    /// The namespace, empty for an element in none.
    public let namespace: String
    /// The namespaces that the element declares.
    public let declarations: [Declaration]
    /// The attributes, in their order.
    public let attributes: [Attribute]
    /// What it holds, in order.
    public internal(set) var children: [Node]

    /// The elements that it holds, in order.
    public var elements: [XMLElement] {
        children.compactMap { node in
            guard case .element(let element) = node else { return nil }
            return element
        }
    }

    /// The characters that it holds; `nil` when it holds elements.
    public var text: String? {
        var text = ""
        for node in children {
            guard case .text(let part) = node else { return nil }
            text += part
        }
        return text
    }

    /// Whether nothing but white space stands between its elements.
    public var holdsOnlyElements: Bool {
        children.allSatisfy { node in
            guard case .text(let text) = node else { return true }
            return text.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }
        }
    }

    /// Whether it has this name in this namespace.
    public func isNamed(_ localName: String, in namespace: String) -> Bool {
        self.localName == localName && self.namespace == namespace
    }

    /// The value of the attribute of this name; `nil` without one.
    public func attribute(_ localName: String, in namespace: String = "") -> String? {
        attributes.first { $0.localName == localName && $0.namespace == namespace }?.value
    }

    /// How many elements of this name there are, itself and all below counted.
    public func count(of localName: String, in namespace: String) -> Int {
        elements.reduce(isNamed(localName, in: namespace) ? 1 : 0) { $0 + $1.count(of: localName, in: namespace) }
    }
}
