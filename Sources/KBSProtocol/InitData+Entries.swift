import Encodings

extension InitData {
    /// The document version that kata accepts; it refuses every other.
    public static let version = "0.1.0"
    /// The algorithms that kata accepts.
    public static let commonAlgorithms: [HashAlgorithm] = [.sha256, .sha384, .sha512]

    /// The files in the document, in its order, with their exact texts.
    public var entries: [(name: String, content: String)] {
        let data = (try? TOMLDocument.parse(text))?["data"]?.objectValue ?? JSONObject()
        return data.compactMap { name, value in value.stringValue.map { (name: name, content: $0) } }
    }

    /// Why kata would not start a guest with this document, though a broker accepts it; empty when it would.
    public var objectionsOfKata: [String] {
        var objections: [String] = []
        let root = (try? TOMLDocument.parse(text)) ?? JSONObject()
        if root["version"]?.stringValue != Self.version {
            objections.append("kata accepts version \(Self.version) only")
        }
        let name = root["algorithm"]?.stringValue ?? ""
        if !Self.commonAlgorithms.contains(where: { $0.rawValue.utf8.elementsEqual(name.utf8) }) {
            objections.append("kata accepts the algorithms sha256, sha384 and sha512 only, in lower case")
        }
        return objections
    }

    /// Writes a document of these files; the same files in the same order always give the same bytes.
    ///
    /// - Parameter algorithm: what the digest of the document is made with. `sha256` suits every kind of guest: a TPM takes
    ///   nothing else.
    /// - Throws: `init_data_refused` for a name given twice and for a document that is too large.
    public init(
        entries: [(name: String, content: String)], algorithm: HashAlgorithm
    ) throws(KBSProtocolError) {
        var lines = [
            "version = \(InitDataText.quoted(Self.version))", "algorithm = \(InitDataText.quoted(algorithm.rawValue))",
            "", "[data]",
        ]
        for (name, content) in entries {
            lines.append("\(InitDataText.quoted(name)) = \(InitDataText.block(content))")
        }
        try self.init(toml: lines.joined(separator: "\n") + "\n")
        // What is written must say what was given: readers of TOML differ, this one is the broker's.
        let isSame =
            self.entries.count == entries.count
            && zip(self.entries, entries).allSatisfy {
                $0.name.utf8.elementsEqual($1.name.utf8) && $0.content.utf8.elementsEqual($1.content.utf8)
            }
        guard isSame else { throw .initDataRefused("Its files cannot be written as TOML.") }
    }
}

/// Strings as TOML writes them (TOML 1.0, section "String").
enum InitDataText {
    /// A basic string on one line.
    static func quoted(_ text: String) -> String { "\"" + escaped(text, keepsLines: false) + "\"" }

    /// A string over several lines: literal where that can hold the text, so that people can read it, else with escapes.
    static func block(_ text: String) -> String {
        let isLiteral =
            !text.utf8.contains("'''".utf8) && text.utf8.last != UInt8(ascii: "'")
            && !text.unicodeScalars.contains { isControl($0) && $0 != "\n" && $0 != "\t" }
        // The line feed behind the opening quotes is not part of the string.
        return isLiteral ? "'''\n\(text)'''" : "\"\"\"\n\(escaped(text, keepsLines: true))\"\"\""
    }

    private static func escaped(_ text: String, keepsLines: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                result.append("\\")
                result.append(scalar)
            } else if isControl(scalar), !(keepsLines && scalar == "\n") {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || scalar.value == 0x7F }
}
