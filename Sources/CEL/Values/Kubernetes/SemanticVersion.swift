/// A version by Semantic Versioning 2.0.0.
struct SemanticVersion: Sendable, CELOpaqueValue {
    private enum Identifier: Sendable, Equatable {
        case number(UInt64)
        case word(String)

        /// Numbers come before words, and are ordered as numbers (section 11).
        static func precedes(_ left: Identifier, _ right: Identifier) -> Bool {
            switch (left, right) {
            case (.number(let a), .number(let b)): a < b
            case (.number, .word): true
            case (.word, .number): false
            case (.word(let a), .word(let b)): ExactText.precedes(a, b)
            }
        }
    }

    let major: UInt64
    let minor: UInt64
    let patch: UInt64
    private let preRelease: [Identifier]
    private let build: [String]

    private static let maximumLength = 256

    /// Nil when the text is no version.
    /// - Parameter isNormalizing: whether a leading `v`, zeros before numbers, and a missing minor or patch number are
    ///   put right first.
    init?(_ text: String, isNormalizing: Bool = false) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        var parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        if isNormalizing {
            guard let normalized = Self.normalized(text) else { return nil }
            parts = normalized
        }
        guard parts.count == 3, let major = Self.number(parts[0]), let minor = Self.number(parts[1]) else {
            return nil
        }
        let (head, build) = Self.cut(parts[2], at: "+")
        let (patchText, preRelease) = Self.cut(head, at: "-")
        guard let patch = Self.number(patchText) else { return nil }
        (self.major, self.minor, self.patch) = (major, minor, patch)
        var identifiers: [Identifier] = []
        for part in preRelease.map(Self.identifiers) ?? [] {
            guard let identifier = Self.identifier(part) else { return nil }
            identifiers.append(identifier)
        }
        self.preRelease = identifiers
        self.build = build.map(Self.identifiers) ?? []
        guard self.build.allSatisfy(Self.isWord) else { return nil }
    }

    private static func normalized(_ text: String) -> [String]? {
        var parts = (text.hasPrefix("v") ? text.dropFirst() : text[...])
            .split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map { withoutZeros(String($0)) }
        if let last = parts.last, parts.count < 3, last.contains("+") || last.contains("-") { return nil }
        while parts.count < 3 { parts.append("0") }
        return parts
    }

    private static func withoutZeros(_ part: String) -> String {
        guard part.utf8.count > 1 else { return part }
        let rest = part.drop { $0 == "0" }
        return rest.utf8.first.map { (48...57).contains($0) } == true ? String(rest) : "0" + rest
    }

    private static func cut(_ text: String, at mark: Character) -> (before: String, after: String?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (String(text[..<place]), String(text[text.index(after: place)...]))
    }

    private static func identifiers(_ text: String) -> [String] {
        text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    /// Digits without a leading zero.
    private static func number(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text == "0" || text.utf8.first != 48 else {
            return nil
        }
        return UInt64(text)
    }

    private static func identifier(_ text: String) -> Identifier? {
        guard isWord(text) else { return nil }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return .word(text) }
        return number(text).map(Identifier.number)
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
            }
    }

    // MARK: order

    /// -1, 0 or 1; what was built does not count (section 10).
    func order(_ other: SemanticVersion) -> Int64 {
        let (mine, theirs) = ((major, minor, patch), (other.major, other.minor, other.patch))
        guard mine == theirs else { return mine < theirs ? -1 : 1 }
        guard preRelease != other.preRelease else { return 0 }
        // A version comes after its own pre-releases.
        guard !preRelease.isEmpty, !other.preRelease.isEmpty else { return preRelease.isEmpty ? 1 : -1 }
        let isBefore = preRelease.lexicographicallyPrecedes(other.preRelease, by: Identifier.precedes)
        return isBefore ? -1 : 1
    }

    // MARK: as a value of the language

    var typeName: String { "kubernetes.Semver" }

    var text: String {
        let identifiers = preRelease.map { identifier in
            switch identifier {
            case .number(let number): String(number)
            case .word(let word): word
            }
        }
        return "\(major).\(minor).\(patch)" + (identifiers.isEmpty ? "" : "-" + identifiers.joined(separator: "."))
            + (build.isEmpty ? "" : "+" + build.joined(separator: "."))
    }

    func isEqual(to other: any CELOpaqueValue) -> Bool {
        (other as? SemanticVersion).map { order($0) == 0 } ?? false
    }
}
