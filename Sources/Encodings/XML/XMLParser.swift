/// Reads ``XMLDocument``. Elements that are open wait on a stack of their own, so that depth costs no stack of the thread.
struct XMLParser {
    private let bytes: [UInt8]
    private let limits: XMLDocument.Limits
    private var position = 0
    private var elementCount = 0
    private var open: [OpenElement] = []

    /// An element whose end was not read yet.
    private struct OpenElement {
        var element: XMLElement
        let name: String
        let scope: [String: String]
    }

    private static let longestName = 128
    private static let headers = [
        #"<?xml version="1.0" encoding="UTF-8"?>"#, #"<?xml version="1.0" encoding="utf-8"?>"#,
        #"<?xml version='1.0' encoding='UTF-8'?>"#, #"<?xml version='1.0' encoding='utf-8'?>"#,
        #"<?xml version="1.0"?>"#, #"<?xml version="1.0" encoding="UTF-8" standalone="no"?>"#,
        #"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
    ].map { Array($0.utf8) }

    init(bytes: [UInt8], limits: XMLDocument.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(XMLError) -> XMLElement {
        if let header = Self.headers.first(where: { bytes.starts(with: $0) }) { position = header.count }
        skipSpace()
        guard peek() == UInt8(ascii: "<") else { throw error("no element begins here") }
        var root = try start()
        while root == nil { root = try content() }
        skipSpace()
        guard position == bytes.count, let root else { throw error("something follows the document's element") }
        return root
    }

    /// Reads the next piece inside the innermost open element; the root when it was the last of them to end.
    private mutating func content() throws(XMLError) -> XMLElement? {
        let begin = position
        while let byte = peek(), byte != UInt8(ascii: "<") {
            guard byte != UInt8(ascii: "&") else { throw error("references are not let in") }
            position += 1
        }
        guard peek() != nil else { throw error("the document ends inside of an element") }
        if begin < position {
            let text = String(decoding: bytes[begin..<position], as: UTF8.self)
            guard !text.contains("]]>") else { throw error("]]> stands in a text") }
            open[open.count - 1].element.children.append(.text(text))
        }
        return bytes.dropFirst(position + 1).first == UInt8(ascii: "/") ? try end() : try start()
    }

    /// Reads a start tag; the root when it is empty and the only one.
    private mutating func start() throws(XMLError) -> XMLElement? {
        position += 1
        elementCount += 1
        guard elementCount <= limits.elements else { throw error("there are more than \(limits.elements) elements") }
        guard open.count < limits.depth else {
            throw error("elements stand in each other more than \(limits.depth) deep")
        }
        let name = try name()
        let tag = try attributes()
        var scope = open.last?.scope ?? [:]
        for declaration in tag.declarations { scope[declaration.prefix] = declaration.namespace }
        let element = XMLElement(
            prefix: name.prefix, localName: name.localName,
            namespace: try namespace(of: name.prefix, in: scope, isAttribute: false), declarations: tag.declarations,
            attributes: try resolved(tag.attributes, in: scope), children: [])
        if peek() == UInt8(ascii: "/") {
            position += 1
            try require(">")
            return close(element)
        }
        try require(">")
        open.append(OpenElement(element: element, name: name.text, scope: scope))
        return nil
    }

    private mutating func end() throws(XMLError) -> XMLElement? {
        position += 2
        let name = try name()
        skipSpace()
        try require(">")
        guard let last = open.popLast(), last.name == name.text else { throw error("another element ends than began") }
        return close(last.element)
    }

    private mutating func close(_ element: XMLElement) -> XMLElement? {
        guard !open.isEmpty else { return element }
        open[open.count - 1].element.children.append(.element(element))
        return nil
    }

    private struct Name {
        let prefix: String
        let localName: String
        var text: String { prefix.isEmpty ? localName : "\(prefix):\(localName)" }
    }

    private typealias Tag = (declarations: [XMLElement.Declaration], attributes: [(name: Name, value: String)])

    private mutating func attributes() throws(XMLError) -> Tag {
        var tag: Tag = ([], [])
        while true {
            let hadSpace = skipSpace()
            guard let byte = peek(), byte != UInt8(ascii: ">"), byte != UInt8(ascii: "/") else { return tag }
            guard hadSpace else { throw error("attributes are not apart from each other") }
            guard tag.declarations.count + tag.attributes.count < limits.attributes else {
                throw error("an element has more than \(limits.attributes) attributes")
            }
            let name = try name()
            try require("=")
            let value = try value()
            if name.text == "xmlns" || name.prefix == "xmlns" {
                let prefix = name.prefix.isEmpty ? "" : name.localName
                guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), prefix != "xml",
                    prefix != "xmlns", !tag.declarations.contains(where: { $0.prefix == prefix })
                else { throw error("a namespace is empty, odd, or declared twice") }
                tag.declarations.append(XMLElement.Declaration(prefix: prefix, namespace: value))
            } else {
                tag.attributes.append((name, value))
            }
        }
    }

    private func resolved(
        _ attributes: [(name: Name, value: String)], in scope: [String: String]
    ) throws(XMLError) -> [XMLElement.Attribute] {
        var result: [XMLElement.Attribute] = []
        for (name, value) in attributes {
            let namespace = try namespace(of: name.prefix, in: scope, isAttribute: true)
            guard !result.contains(where: { $0.localName == name.localName && $0.namespace == namespace }) else {
                throw error("an attribute is there twice")
            }
            result.append(
                XMLElement.Attribute(
                    prefix: name.prefix, localName: name.localName, namespace: namespace, value: value))
        }
        return result
    }

    private func namespace(
        of prefix: String, in scope: [String: String], isAttribute: Bool
    ) throws(XMLError) -> String {
        if prefix.isEmpty { return isAttribute ? "" : scope[""] ?? "" }
        guard let namespace = scope[prefix] else { throw error("the prefix \(prefix) stands for no namespace") }
        return namespace
    }

    private mutating func value() throws(XMLError) -> String {
        guard let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw error("a value is not quoted")
        }
        position += 1
        let begin = position
        while let byte = peek(), byte != quote {
            guard byte != UInt8(ascii: "<"), byte != UInt8(ascii: "&"), byte >= 0x20 else {
                throw error("a value holds something that is not let in")
            }
            position += 1
        }
        let value = String(decoding: bytes[begin..<position], as: UTF8.self)
        guard peek() != nil else { throw error("a value has no end") }
        position += 1
        return value
    }

    private mutating func name() throws(XMLError) -> Name {
        let first = try part()
        guard peek() == UInt8(ascii: ":") else { return Name(prefix: "", localName: first) }
        position += 1
        let name = Name(prefix: first, localName: try part())
        guard name.prefix != "xml" else { throw error("attributes of the namespace xml are not let in") }
        return name
    }

    private mutating func part() throws(XMLError) -> String {
        let begin = position
        while let byte = peek(), Self.isNameByte(byte, isFirst: position == begin) { position += 1 }
        guard begin < position, position - begin <= Self.longestName else { throw error("a name was expected") }
        return String(decoding: bytes[begin..<position], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8, isFirst: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): !isFirst
        default: false
        }
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let begin = position
        while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A { position += 1 }
        return begin < position
    }

    private mutating func require(_ character: Unicode.Scalar) throws(XMLError) {
        guard peek() == UInt8(ascii: character) else { throw error("\(character) was expected") }
        position += 1
    }

    private func error(_ reason: String) -> XMLError { XMLError(reason, at: position) }
}
