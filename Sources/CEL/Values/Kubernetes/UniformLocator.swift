/// An absolute URL, or an absolute path, read as Go's `net/url` does, which Kubernetes uses.
///
/// Works on octets: a combining mark behind a separator must not hide it.
struct UniformLocator: Sendable, CELOpaqueValue {
    typealias Octets = ArraySlice<UInt8>

    private(set) var scheme = ""
    /// With port; IPv6 in brackets; escapes resolved.
    private(set) var host: [UInt8] = []
    /// As written, up to the `@`.
    private var userInfo: Octets?
    /// What follows the scheme when no slash does, as in `mailto:a@b`.
    private var opaque: Octets = []
    private var rawPath: Octets = []
    private var rawQuery: Octets?
    private var fragment: Octets?

    /// Whether the text is a URL in a request, where a fragment is no part of its own.
    static func isValid(_ text: String) -> Bool {
        var locator = UniformLocator()
        return locator.parse(Array(text.utf8)[...], mustBeAbsolute: true)
    }

    private init() {}

    /// Nil when the text is neither an absolute URL nor an absolute path.
    init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        let (rest, fragment) = Self.cut(Array(text.utf8)[...], at: UInt8(ascii: "#"))
        guard fragment.map({ PercentCoding.decoded($0) != nil }) ?? true,
            rest.isEmpty || parse(rest, mustBeAbsolute: false)
        else { return nil }
        self.fragment = fragment
    }

    // MARK: reading

    private mutating func parse(_ text: Octets, mustBeAbsolute: Bool) -> Bool {
        guard !text.isEmpty, text.allSatisfy({ $0 > 0x1F && $0 != 0x7F }) else { return false }
        if text.elementsEqual("*".utf8) {
            rawPath = text
            return true
        }
        guard let (scheme, afterScheme) = Self.splitScheme(text) else { return false }
        self.scheme = String(decoding: scheme.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
        let (rest, query) = Self.cut(afterScheme, at: UInt8(ascii: "?"))
        rawQuery = query
        guard rest.first == UInt8(ascii: "/") else { return parseWithoutSlash(rest, mustBeAbsolute) }
        rawPath = rest
        if rest.starts(with: "//".utf8), !scheme.isEmpty || (!mustBeAbsolute && !rest.starts(with: "///".utf8)) {
            let authority = rest.dropFirst(2).prefix { $0 != UInt8(ascii: "/") }
            rawPath = rest[authority.endIndex...]
            guard parseAuthority(authority) else { return false }
        }
        return PercentCoding.decoded(rawPath) != nil
    }

    private mutating func parseWithoutSlash(_ rest: Octets, _ mustBeAbsolute: Bool) -> Bool {
        guard scheme.isEmpty else {
            opaque = rest
            return true
        }
        // A colon before any slash would look like a scheme.
        guard !mustBeAbsolute, !rest.prefix(while: { $0 != UInt8(ascii: "/") }).contains(UInt8(ascii: ":")) else {
            return false
        }
        rawPath = rest
        return PercentCoding.decoded(rest) != nil
    }

    /// The scheme without its colon and the rest; nil when a colon comes first.
    private static func splitScheme(_ text: Octets) -> (scheme: Octets, rest: Octets)? {
        for (index, byte) in zip(text.indices, text) {
            switch byte {
            case 65...90, 97...122: continue
            case 48...57, 43, 45, 46: if index == text.startIndex { return ([], text) }
            case UInt8(ascii: ":"):
                return index == text.startIndex ? nil : (text[..<index], text[(index + 1)...])
            default: return ([], text)
            }
        }
        return ([], text)
    }

    private mutating func parseAuthority(_ authority: Octets) -> Bool {
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return parseHost(authority) }
        let user = authority[..<at]
        guard user.allSatisfy(PercentCoding.isUserInfo), PercentCoding.decoded(user) != nil else { return false }
        userInfo = user
        return parseHost(authority[(at + 1)...])
    }

    private mutating func parseHost(_ text: Octets) -> Bool {
        var port: Octets = []
        if text.first == UInt8(ascii: "[") {
            guard let end = text.lastIndex(of: UInt8(ascii: "]")) else { return false }
            port = text[(end + 1)...]
        } else if let colon = text.lastIndex(of: UInt8(ascii: ":")) {
            port = text[colon...]
        }
        guard Self.isPort(port), let decoded = PercentCoding.decodedHost(text) else { return false }
        host = decoded
        return true
    }

    /// Nothing, or a colon and digits, of which there may be none.
    private static func isPort(_ text: Octets) -> Bool {
        text.isEmpty || (text.first == UInt8(ascii: ":") && text.dropFirst().allSatisfy { (48...57).contains($0) })
    }

    private static func cut(_ text: Octets, at mark: UInt8) -> (before: Octets, after: Octets?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<place], text[(place + 1)...])
    }

    // MARK: parts

    /// Where the host ends and its port, with colon, begins.
    private var hostEnd: Int {
        guard let colon = host.lastIndex(of: UInt8(ascii: ":")), Self.isPort(host[colon...]) else {
            return host.endIndex
        }
        return colon
    }

    /// The host without port and brackets.
    var hostname: String {
        let name = host[..<hostEnd]
        let isBracketed = name.first == UInt8(ascii: "[") && name.last == UInt8(ascii: "]")
        return Self.string(isBracketed ? name.dropFirst().dropLast() : name)
    }

    var port: String { Self.string(host[hostEnd...].dropFirst()) }

    /// The path as written where that is a valid way of writing it, otherwise escaped anew.
    var escapedPath: String {
        rawPath.allSatisfy(PercentCoding.isPath)
            ? Self.string(rawPath) : PercentCoding.encodedPath(PercentCoding.decoded(rawPath) ?? [])
    }

    /// The bytes of the query, which is the work that taking it apart takes.
    var querySize: Int { rawQuery?.count ?? 0 }

    /// The values of each name, unescaped, in the order of the query; what is malformed is left out.
    var query: [(name: String, values: [String])] {
        var result: [(name: String, values: [String])] = []
        var places: [ExactText: Int] = [:]
        for part in (rawQuery ?? []).split(separator: UInt8(ascii: "&")) where !part.contains(UInt8(ascii: ";")) {
            let (key, text) = Self.cut(part, at: UInt8(ascii: "="))
            guard let name = PercentCoding.decoded(key, plusIsBlank: true),
                let value = PercentCoding.decoded(text ?? [], plusIsBlank: true)
            else { continue }
            let (nameText, valueText) = (Self.string(name[...]), Self.string(value[...]))
            if let place = places[ExactText(nameText)] {
                result[place].values.append(valueText)
            } else {
                places[ExactText(nameText)] = result.count
                result.append((nameText, [valueText]))
            }
        }
        return result
    }

    private static func string(_ octets: Octets) -> String { String(decoding: octets, as: UTF8.self) }

    // MARK: as a value of the language

    var typeName: String { "kubernetes.URL" }

    /// The text is put together anew each time.
    var size: Int {
        4 * (host.count + (userInfo?.count ?? 0) + opaque.count + rawPath.count + querySize + (fragment?.count ?? 0))
    }

    var text: String {
        var text = scheme.isEmpty ? "" : scheme + ":"
        if !opaque.isEmpty {
            text += Self.string(opaque)
        } else {
            if !scheme.isEmpty || !host.isEmpty || userInfo != nil {
                text += "//" + (userInfo.map { Self.string($0) + "@" } ?? "") + Self.string(host[...])
            }
            text += escapedPath
        }
        return text + (rawQuery.map { "?" + Self.string($0) } ?? "") + (fragment.map { "#" + Self.string($0) } ?? "")
    }

    func isEqual(to other: any CELOpaqueValue) -> Bool {
        (other as? UniformLocator).map { ExactText.equal($0.text, text) } ?? false
    }
}
