extension String {
    /// The beginning of a text in a message, by code points: one character may be of any length.
    var excerpt: String {
        let head = unicodeScalars.prefix(65)
        return head.count <= 64 ? self : String(String.UnicodeScalarView(head.prefix(64))) + "…"
    }

    /// The text with control and format characters spelled out, so that a value in a message can neither command a
    /// terminal nor change the order in which the message is read.
    var legible: String {
        guard unicodeScalars.contains(where: \.isInvisible) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isInvisible {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isInvisible: Bool {
        guard !isASCII else { return value < 0x20 || value == 0x7F }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }
}
