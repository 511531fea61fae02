extension StringProtocol {
    /// The text on one line that cannot drive a terminal: `?` in place of control and format characters (cursor movement,
    /// colours, direction of text, what is invisible) and of line and paragraph separators.
    ///
    /// Names, claims and messages that come from guests, brokers and files pass through this before people see them.
    public var printable: String { replacing { $0.isPrintable } }

    /// The text as ``printable`` gives it, save that line feeds and tabs stay.
    public var printableLines: String { replacing { $0.isPrintable || $0 == "\n" || $0 == "\t" } }

    private func replacing(allBut keeps: (Unicode.Scalar) -> Bool) -> String {
        String(String.UnicodeScalarView(unicodeScalars.map { keeps($0) ? $0 : "?" }))
    }
}

extension Unicode.Scalar {
    /// Whether the scalar shows as itself and moves nothing around it.
    public var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
