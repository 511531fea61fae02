/// Comparison and hashing of strings code point by code point.
///
/// Swift's own `==` and `hash(into:)` follow Unicode canonical equivalence: two different JSON names could be taken for one,
/// and one could write as many different names with one hash as one likes.
enum ExactString {
    static func equal(_ left: String, _ right: String) -> Bool {
        left.hasSameUTF8(as: right)
    }

    static func hash(_ text: String, into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // No UTF-8 text holds this byte, so neighbouring strings cannot run into each other.
        hasher.combine(UInt8(0xFF))
    }
}

/// A string as a dictionary key that is compared code point by code point.
struct ExactName: Hashable, Sendable {
    let text: String

    static func == (left: ExactName, right: ExactName) -> Bool {
        ExactString.equal(left.text, right.text)
    }

    func hash(into hasher: inout Hasher) {
        ExactString.hash(text, into: &hasher)
    }
}
