/// A set of Unicode general categories, as in `\p{Lu}`; every code point has exactly one category.
struct GeneralCategoryMask: Sendable, Hashable {
    private let bits: UInt32

    static let none = GeneralCategoryMask(bits: 0)
    private static let everything: UInt32 = (1 << UInt32(names.count)) - 1

    /// Two-letter names in the order of their bits (Unicode Standard, table 4-4).
    private static let names = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    private init(bits: UInt32) { self.bits = bits }

    /// The categories whose name is the given one or starts with the given letter; nil when there is none.
    init?(named name: String) {
        var bits: UInt32 = 0
        for (bit, candidate) in Self.names.enumerated()
        where candidate == name || (name.utf8.count == 1 && candidate.hasPrefix(name)) {
            bits |= 1 << UInt32(bit)
        }
        if name == "Any" { bits = Self.everything }
        guard bits != 0 else { return nil }
        self.bits = bits
    }

    var isEmpty: Bool { bits == 0 }
    var complement: GeneralCategoryMask { .init(bits: ~bits & Self.everything) }
    func union(_ other: GeneralCategoryMask) -> GeneralCategoryMask { .init(bits: bits | other.bits) }

    /// Upper, lower and title case letters stand for each other when case is ignored.
    var ignoringCase: GeneralCategoryMask { bits & 0b111 == 0 ? self : .init(bits: bits | 0b111) }

    func contains(_ value: UInt32) -> Bool {
        guard bits != 0 else { return false }
        guard let scalar = Unicode.Scalar(value) else { return bits & (1 << 27) != 0 }
        return bits & (1 << Self.bit(of: scalar.properties.generalCategory)) != 0
    }

    private static func bit(of category: Unicode.GeneralCategory) -> UInt32 {
        switch category {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: 29
        @unknown default: 29
        }
    }
}
