#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension String {
    /// Whether the UTF-8 form of the text holds a byte. Looks at the bytes where they lie, which is many times faster than
    /// walking over `utf8`.
    public func containsUTF8(_ byte: UInt8) -> Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, Int32(byte), bytes.count) != nil } ?? false
        } ?? utf8.contains(byte)
    }

    /// Whether two texts are the same bytes in UTF-8. `==` also takes texts for equal that are only canonically equivalent.
    public func hasSameUTF8(as other: String) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { own in
            other.utf8.withContiguousStorageIfAvailable { other in
                guard own.count == other.count else { return false }
                guard let left = own.baseAddress, let right = other.baseAddress else { return true }
                return memcmp(left, right, own.count) == 0
            }
        }
        return fast.flatMap(\.self) ?? utf8.elementsEqual(other.utf8)
    }
}
