import ArgumentParser

/// A number in decimal, or in hexadecimal behind `0x`.
struct NumberArgument: ExpressibleByArgument {
    let value: UInt64

    init(_ value: UInt64) { self.value = value }

    init?(argument: String) {
        let isHexadecimal = argument.lowercased().hasPrefix("0x")
        let digits = isHexadecimal ? argument.dropFirst(2) : argument[...]
        // The standard library also reads signs.
        guard digits.first.map({ $0.isHexDigit }) == true,
            let value = UInt64(digits, radix: isHexadecimal ? 16 : 10)
        else { return nil }
        self.value = value
    }

    var defaultValueDescription: String { String(value) }
}

/// A size of memory, such as `2G`, `512M`, or in bytes.
struct MemoryArgument: ExpressibleByArgument {
    let bytes: UInt64

    init?(argument: String) {
        let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let unit = argument.last.flatMap { units[$0] }
        guard let number = NumberArgument(argument: unit == nil ? argument : String(argument.dropLast())) else {
            return nil
        }
        let (bytes, overflow) = number.value.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow else { return nil }
        self.bytes = bytes
    }
}

extension UInt64 {
    /// The number as documents and messages of this kind write it.
    var hexadecimal: String { "0x" + String(self, radix: 16) }
}
