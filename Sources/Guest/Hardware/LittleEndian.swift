/// Numbers of processors that put the least significant byte first.
extension [UInt8] {
    /// Appends a number, least significant byte first.
    mutating func appendLittleEndian(_ number: some FixedWidthInteger & UnsignedInteger) {
        append(contentsOf: (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
    }

    /// The number in `range`, least significant byte first; bytes that do not exist count as zero.
    func littleEndian(_ range: Range<Int>) -> UInt64 {
        range.clamped(to: indices).reversed().reduce(0) { $0 << 8 | UInt64(self[$1]) }
    }
}

extension RangeReplaceableCollection<UInt8> {
    /// As many zero bytes.
    static func zeros(_ count: Int) -> Self { Self(repeating: 0, count: count) }
}
