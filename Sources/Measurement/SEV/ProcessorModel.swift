/// A model of virtual processor, by what CPUID says of it: that is in a register when the guest starts.
public struct ProcessorModel: Sendable, Hashable {
    /// CPUID function 1, register EAX: family, model and stepping.
    public let signature: UInt32

    /// The model with this signature.
    public init(signature: UInt32) { self.signature = signature }

    /// The model with this family, model and stepping, each as people write it, with its extension added.
    ///
    /// Returns `nil` for numbers that CPUID cannot hold.
    public init?(family: UInt32, model: UInt32, stepping: UInt32) {
        guard family <= 0xF + 0xFF, model <= 0xFF, stepping <= 0xF else { return nil }
        let base = min(family, 0xF)
        signature = (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 0xF) << 4 | stepping
    }

    /// The model of a QEMU `-cpu` name, such as `EPYC-Milan-v2`; versions of a name (`-v1` to `-v9`) have one signature.
    public init?(name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        let last = parts.last ?? ""
        let isVersioned =
            parts.count > 1 && last.count == 2 && last.first == "v" && last.last.map(Self.isVersion) == true
        let base = (isVersioned ? parts.dropLast() : parts[...]).joined(separator: "-")
        guard let known = Self.known.first(where: { $0.name == base }) else { return nil }
        self.init(family: known.numbers.0, model: known.numbers.1, stepping: known.numbers.2)
    }

    /// The names that ``init(name:)`` knows, without versions.
    public static var names: [String] { known.map(\.name) }

    private static let known: [(name: String, numbers: (UInt32, UInt32, UInt32))] = [
        ("EPYC", (23, 1, 2)), ("EPYC-IBPB", (23, 1, 2)), ("EPYC-Rome", (23, 49, 0)), ("EPYC-Milan", (25, 1, 1)),
        ("EPYC-Genoa", (25, 17, 0)), ("EPYC-Turin", (26, 0, 0)),
    ]

    private static func isVersion(_ character: Character) -> Bool { ("1"..."9").contains(character) }
}
