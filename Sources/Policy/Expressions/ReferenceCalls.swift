/// Finds the calls `reference('name')` in an expression.
///
/// The names must be written out, so that it is known beforehand which reference values a policy compares with. CEL
/// sees a map named `reference` instead: each call becomes an index expression of the same length, so that positions
/// stay what they are.
package struct ReferenceCalls {
    static let function = "reference"

    /// The expression as CEL is to see it.
    package let expression: String
    /// The names that are asked for, in order, each once.
    package let names: [String]

    /// Why a call is not understood; `offset` counts Unicode scalars.
    package struct Refusal: Error {
        let offset: Int
        let message: String
    }

    package init(_ source: String) throws(Refusal) {
        var scanner = Scanner(source)
        try scanner.run()
        expression = String(String.UnicodeScalarView(scanner.scalars))
        names = scanner.names
    }

    private struct Scanner {
        var scalars: [Unicode.Scalar]
        var names: [String] = []
        private var place = 0

        init(_ source: String) {
            scalars = Array(source.unicodeScalars)
        }

        private var current: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

        mutating func run() throws(Refusal) {
            var afterDot = false
            while let scalar = current {
                if scalar == "/", place + 1 < scalars.count, scalars[place + 1] == "/" {
                    skip { $0 != "\n" }
                } else if scalar == "\"" || scalar == "'" {
                    _ = string(isRaw: false)
                } else if isWord(scalar) {
                    try word(afterDot: afterDot)
                    afterDot = false
                } else {
                    if !isSpace(scalar) { afterDot = scalar == "." }
                    place += 1
                }
            }
        }

        private mutating func word(afterDot: Bool) throws(Refusal) {
            let start = place
            skip(while: isWord)
            let text = String(String.UnicodeScalarView(scalars[start..<place]))
            if let quote = current, quote == "\"" || quote == "'", ["r", "b", "br", "rb"].contains(text.lowercased()) {
                _ = string(isRaw: text.lowercased().contains("r"))
                return
            }
            guard text == ReferenceCalls.function, !afterDot else { return }
            try call(start)
        }

        private mutating func call(_ start: Int) throws(Refusal) {
            let refusal = Refusal(
                offset: start, message: "Write reference('name') with the name of the reference value in quotes.")
            skip(while: isSpace)
            guard current == "(" else { throw refusal }
            let opening = place
            place += 1
            skip(while: isSpace)
            guard let quote = current, quote == "\"" || quote == "'", let name = string(isRaw: false) else {
                throw refusal
            }
            skip(while: isSpace)
            guard current == ")", !name.isEmpty, !name.contains("\\") else { throw refusal }
            scalars[opening] = "["
            scalars[place] = "]"
            place += 1
            if !names.contains(name) { names.append(name) }
        }

        /// Passes a string literal and returns its text, or `nil` when it does not end.
        private mutating func string(isRaw: Bool) -> String? {
            guard let quote = current else { return nil }
            let isTriple = place + 2 < scalars.count && scalars[place + 1] == quote && scalars[place + 2] == quote
            let width = isTriple ? 3 : 1
            place += width
            let start = place
            while place < scalars.count {
                if scalars[place] == "\\", !isRaw {
                    place += 2
                    continue
                }
                if scalars[place...].prefix(width).elementsEqual(Array(repeating: quote, count: width)) {
                    let text = String(String.UnicodeScalarView(scalars[start..<place]))
                    place += width
                    return text
                }
                place += 1
            }
            return nil
        }

        private mutating func skip(while condition: (Unicode.Scalar) -> Bool) {
            while let scalar = current, condition(scalar) { place += 1 }
        }

        private func isWord(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || scalar == "_" || (scalar.isASCII && scalar.properties.numericType != nil)
        }

        private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
        }
    }
}
