import LinearRegex

/// A format of strings that Kubernetes has a name for.
enum NamedFormat: String, CaseIterable, Sendable, CELOpaqueValue {
    case dns1123Label, dns1123Subdomain, dns1035Label
    case dns1123LabelPrefix, dns1123SubdomainPrefix, dns1035LabelPrefix
    case qualifiedName, labelValue
    case uri, uuid, byte, date, datetime

    var typeName: String { "kubernetes.NamedFormat" }
    var text: String { rawValue }
    func isEqual(to other: any CELOpaqueValue) -> Bool { (other as? NamedFormat) == self }

    /// Why the text is not of this format, in a sentence; nil when it is.
    func fault(of text: String) -> String? {
        switch self {
        case .dns1123Label: Self.label.fault(of: text)
        case .dns1123Subdomain: Self.subdomain.fault(of: text)
        case .dns1035Label: Self.oldLabel.fault(of: text)
        case .dns1123LabelPrefix: Self.label.fault(of: Self.completed(text))
        case .dns1123SubdomainPrefix: Self.subdomain.fault(of: Self.completed(text))
        case .dns1035LabelPrefix: Self.oldLabel.fault(of: Self.completed(text))
        case .labelValue: text.isEmpty ? nil : Self.name.fault(of: text)
        case .qualifiedName: Self.qualifiedNameFault(of: text)
        case .uri: UniformLocator.isValid(text) ? nil : "is not an absolute URI or path"
        case .uuid: Self.identifier.fault(of: text)
        case .byte: Self.isBase64(text) ? nil : "is not base64"
        case .date: Self.isDate(text) ? nil : "is not a date such as 2021-01-31"
        case .datetime: Self.isDateTime(text) ? nil : "is not a time of RFC 3339"
        }
    }

    private static let label = TextRule(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?", maximumLength: 63,
        "is not a label of lower case letters, digits and '-' that begins and ends with a letter or digit")
    private static let subdomain = TextRule(
        #"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"#, maximumLength: 253,
        "is not a name of lower case labels with dots between them")
    private static let oldLabel = TextRule(
        "[a-z]([-a-z0-9]*[a-z0-9])?", maximumLength: 63,
        "is not a label of lower case letters, digits and '-' that begins with a letter and does not end with '-'")
    private static let name = TextRule(
        "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", maximumLength: 63,
        "is not made of letters, digits, '-', '_' and '.' with a letter or digit at both ends")
    private static let identifier = TextRule(
        "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", maximumLength: 36, "is not a UUID")
    private static let clock = TextRule(
        "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})", maximumLength: 64,
        "is not a time of day")

    /// What a prefix may become: the generated rest takes the place of a dash at its end.
    private static func completed(_ text: String) -> String {
        text.utf8.count > 1 && text.utf8.last == UInt8(ascii: "-")
            ? String(decoding: text.utf8.dropLast(2), as: UTF8.self) + "a" : text
    }

    private static func qualifiedNameFault(of text: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch parts.count {
        case 1: return name.fault(of: parts[0])
        case 2: return subdomain.fault(of: parts[0]) ?? name.fault(of: parts[1])
        default: return "has more than one '/'"
        }
    }

    private static func isBase64(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let padding = bytes.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        guard !bytes.isEmpty, bytes.count.isMultiple(of: 4), padding == 0 || bytes.last == UInt8(ascii: "=") else {
            return false
        }
        return bytes.dropLast(padding).allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 43 || $0 == 47
        }
    }

    private static func isDate(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == 45, bytes[7] == 45,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10])
        else { return false }
        return (1...12).contains(month) && (1...CivilTime.days(inMonth: month, of: year)).contains(day)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.allSatisfy { (48...57).contains($0) } ? digits.reduce(0) { $0 * 10 + Int($1 - 48) } : nil
    }

    private static func isDateTime(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "T"), maxSplits: 1, omittingEmptySubsequences: false)
        let halves =
            parts.count == 2
            ? parts
            : text.utf8.split(separator: UInt8(ascii: "t"), maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, isDate(String(decoding: halves[0], as: UTF8.self)) else { return false }
        let time = String(
            decoding: halves[1].map { $0 == UInt8(ascii: "Z") ? UInt8(ascii: "z") : $0 }, as: UTF8.self)
        return clock.fault(of: time) == nil
    }
}

/// A pattern for a whole text, with the longest text that it may match.
private struct TextRule: Sendable {
    private let pattern: LinearRegex?
    private let maximumLength: Int
    private let sentence: String

    init(_ pattern: String, maximumLength: Int, _ sentence: String) {
        // Nothing matches a pattern that does not compile.
        self.pattern = try? LinearRegex(pattern)
        self.maximumLength = maximumLength
        self.sentence = sentence
    }

    func fault(of text: String) -> String? {
        guard text.utf8.count <= maximumLength else { return "is longer than \(maximumLength) characters" }
        return pattern?.wholeMatch(text) == true ? nil : sentence
    }
}
