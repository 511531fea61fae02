extension XMLElement {
    /// The element in canonical form: Canonical XML 1.1 (and 1.0) without comments, inclusive.
    ///
    /// Both versions agree on what ``XMLDocument`` reads, which has neither attributes of the namespace `xml` nor comments.
    ///
    /// - Parameters:
    ///   - inherited: the namespaces that the elements around this one declare, by prefix.
    ///   - isOmitted: elements that are left out, with all that they hold.
    public func canonical(
        inherited: [String: String] = [:], omitting isOmitted: (XMLElement) -> Bool = { _ in false }
    ) -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output, scope: inherited, isApex: true, isOmitted)
        return output
    }

    private func write(
        to output: inout [UInt8], scope: [String: String], isApex: Bool, _ isOmitted: (XMLElement) -> Bool
    ) {
        var inner = scope
        for declaration in declarations { inner[declaration.prefix] = declaration.namespace }
        // Below the first element those bindings are written that the element around it has not.
        let bindings = isApex ? inner : inner.filter { scope[$0.key] != $0.value }
        let name = prefix.isEmpty ? localName : "\(prefix):\(localName)"
        output += "<\(name)".utf8
        for (prefix, namespace) in bindings.sorted(by: { $0.key < $1.key }) {
            output += (prefix.isEmpty ? " xmlns=\"" : " xmlns:\(prefix)=\"").utf8
            Self.append(namespace, isAttribute: true, to: &output)
            output.append(UInt8(ascii: "\""))
        }
        for attribute in attributes.sorted(by: { ($0.namespace, $0.localName) < ($1.namespace, $1.localName) }) {
            output += (attribute.prefix.isEmpty ? " " : " \(attribute.prefix):").utf8
            output += "\(attribute.localName)=\"".utf8
            Self.append(attribute.value, isAttribute: true, to: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(UInt8(ascii: ">"))
        for child in children {
            switch child {
            case .text(let text): Self.append(text, isAttribute: false, to: &output)
            case .element(let element):
                guard !isOmitted(element) else { continue }
                element.write(to: &output, scope: inner, isApex: false, isOmitted)
            }
        }
        output += "</\(name)>".utf8
    }

    private static func append(_ text: String, isAttribute: Bool, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch (byte, isAttribute) {
            case (UInt8(ascii: "&"), _): output += "&amp;".utf8
            case (UInt8(ascii: "<"), _): output += "&lt;".utf8
            case (UInt8(ascii: ">"), false): output += "&gt;".utf8
            case (UInt8(ascii: "\""), true): output += "&quot;".utf8
            case (0x09, true): output += "&#x9;".utf8
            case (0x0A, true): output += "&#xA;".utf8
            case (0x0D, _): output += "&#xD;".utf8
            default: output.append(byte)
            }
        }
    }
}
