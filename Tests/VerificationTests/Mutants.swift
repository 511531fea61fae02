/// Wrong versions of right bytes.
enum Mutants {
    /// The bytes with one bit changed: each bit, or every so many-th.
    static func bits(_ bytes: [UInt8], every step: Int = 1) -> some Sequence<[UInt8]> {
        stride(from: 0, to: bytes.count * 8, by: step).lazy.map { bit in
            var mutant = bytes
            mutant[bit / 8] ^= 1 << UInt8(bit % 8)
            return mutant
        }
    }

    /// Besides changed bits: one byte less, and one zero or other byte more.
    static func of(_ bytes: [UInt8], every step: Int = 1) -> [[UInt8]] {
        bits(bytes, every: step) + [Array(bytes.dropLast()), bytes + [0], bytes + [0x5A]]
    }
}

/// Counts mutants, and those that were accepted.
struct MutationCounter {
    private let name: String
    private(set) var total = 0
    private(set) var accepted = 0

    init(_ name: String) { self.name = name }

    /// Counts one that was refused with this code, or accepted when there is none.
    mutating func count(_ refusal: String?) {
        total += 1
        if refusal == nil { accepted += 1 }
    }

    /// Prints the figures.
    func report() { print("mutation \(name): \(total) mutants, \(accepted) accepted") }
}
