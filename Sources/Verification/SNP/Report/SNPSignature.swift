/// The signature of a report: two numbers of P-384 in fields that are wider than they are.
public struct SNPSignature: Sendable, Hashable {
    /// The size of the field of each number.
    static let numberByteCount = 72
    /// The size of a number of P-384.
    private static let scalarByteCount = 48

    /// The number r, 72 bytes, least significant first.
    public var r: [UInt8]
    /// The number s, 72 bytes, least significant first.
    public var s: [UInt8]

    /// A signature of these numbers; zero unless given.
    public init(r: [UInt8] = Array(repeating: 0, count: 72), s: [UInt8] = Array(repeating: 0, count: 72)) {
        self.r = r
        self.s = s
    }

    /// The signature in these 96 bytes, both numbers most significant byte first; `nil` when there are not so many.
    public init?(rawRepresentation bytes: [UInt8]) {
        guard bytes.count == 2 * Self.scalarByteCount else { return nil }
        let padding = [UInt8](repeating: 0, count: Self.numberByteCount - Self.scalarByteCount)
        r = bytes.prefix(Self.scalarByteCount).reversed() + padding
        s = bytes.suffix(Self.scalarByteCount).reversed() + padding
    }

    /// Both numbers in 48 bytes each, most significant byte first, or `nil` when one of them is zero or not below the
    /// order of the curve.
    public var rawRepresentation: [UInt8]? {
        guard let r = Self.scalar(r), let s = Self.scalar(s) else { return nil }
        return r + s
    }

    private static func scalar(_ field: [UInt8]) -> [UInt8]? {
        guard field.count == numberByteCount, field[scalarByteCount...].allSatisfy({ $0 == 0 }) else { return nil }
        let number = Array(field[..<scalarByteCount].reversed())
        guard number.contains(where: { $0 != 0 }), number.lexicographicallyPrecedes(curveOrder) else { return nil }
        return number
    }

    /// The order of P-384's base point (FIPS 186-5, SP 800-186 section 3.2.1.4).
    private static let curveOrder: [UInt8] =
        Array(repeating: 0xFF, count: 24) + [
            0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2,
            0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73,
        ]
}
