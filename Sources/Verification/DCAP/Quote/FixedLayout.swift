/// A structure of fields at fixed offsets, kept as the bytes that were signed.
package protocol FixedLayout: Sendable, Hashable {
    associatedtype Field: LayoutField
    /// The whole structure.
    var bytes: [UInt8] { get }
}

/// A field of a ``FixedLayout``; its raw value is the name of the claim that it becomes.
package protocol LayoutField: RawRepresentable, CaseIterable, Sendable where RawValue == String {
    /// Where the field stands, in bytes from the start.
    var range: Range<Int> { get }
}

extension FixedLayout {
    /// The bytes of a field; empty when the structure is of a kind that ends before it.
    package subscript(field: Field) -> ArraySlice<UInt8> {
        field.range.upperBound <= bytes.count ? bytes[field.range] : []
    }

    /// The fields that this structure has, in their order.
    package var fields: [Field] { Field.allCases.filter { $0.range.upperBound <= bytes.count } }

    /// The field as an integer whose least significant byte comes first; only the first eight bytes count.
    package func integer(_ field: Field) -> UInt64 {
        self[field].prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The structure's bytes with one field replaced; unchanged when the sizes differ.
    package func bytes(replacing field: Field, with value: [UInt8]) -> [UInt8] {
        guard field.range.upperBound <= bytes.count, value.count == field.range.count else { return bytes }
        var changed = bytes
        changed.replaceSubrange(field.range, with: value)
        return changed
    }
}
