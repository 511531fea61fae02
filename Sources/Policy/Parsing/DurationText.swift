/// Durations as Kubernetes writes them, in whole seconds: `90s`, `10m`, `1h30m`.
package enum DurationText {
    /// Seconds, or `nil` when the text is no such duration or longer than ten years.
    package static func seconds(_ text: String) -> Int64? {
        var total: Int64 = 0
        var digits = ""
        var lastUnit = Int64.max
        for character in text {
            if character.isASCII, character.isNumber, digits.count < 10 {
                digits.append(character)
                continue
            }
            guard let unit = unit(character), unit < lastUnit, let number = Int64(digits) else { return nil }
            total += number * unit
            lastUnit = unit
            digits = ""
        }
        guard digits.isEmpty, lastUnit != .max, total <= 315_360_000 else { return nil }
        return total
    }

    private static func unit(_ character: Character) -> Int64? {
        switch character {
        case "h": 3600
        case "m": 60
        case "s": 1
        default: nil
        }
    }

    /// The shortest such text for a number of seconds.
    package static func text(_ seconds: Int64) -> String {
        var rest = seconds
        var parts = ""
        for (unit, name) in [(Int64(3600), "h"), (60, "m"), (1, "s")] where rest >= unit {
            parts += "\(rest / unit)\(name)"
            rest %= unit
        }
        return parts.isEmpty ? "0s" : parts
    }
}
