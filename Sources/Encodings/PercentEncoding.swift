/// Percent-encoding (RFC 3986 section 2.1).
public enum PercentEncoding {
    /// The bytes that a text stands for, decoded once; what is not escaped stays as it is.
    ///
    /// - Parameter plusIsSpace: Whether `+` stands for a space, as it does in queries that forms make.
    /// - Throws: ``ByteCodingError`` with code `invalid_escape` when a percent sign has no two hex digits behind it.
    public static func bytes(of text: some StringProtocol, plusIsSpace: Bool = false) throws(ByteCodingError) -> [UInt8]
    {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let high = digit(rest.removeFirst()), let low = digit(rest.removeFirst()) else {
                    throw ByteCodingError(
                        code: "invalid_escape", message: "A percent sign has no two hex digits behind it.")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// The text with every byte encoded that is not unreserved (RFC 3986 section 2.3), so that it can be one segment of a
    /// path or one value of a query.
    public static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded.append("%")
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 15)])
            }
        }
        return encoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
