/// An IPv4 or IPv6 address, without zone.
struct IPAddress: Sendable, Hashable, CELOpaqueValue {
    /// Four or sixteen octets, most significant first.
    let octets: [UInt8]

    init(octets: [UInt8]) { self.octets = octets }

    enum ParseError: Error { case malformed, zone, mapped }

    /// Reads dotted decimal (no leading zeros) or RFC 4291 text; IPv4 in dotted form inside IPv6 is refused.
    static func parse(_ text: String) -> Result<IPAddress, ParseError> {
        if text.utf8.contains(UInt8(ascii: "%")) { return .failure(.zone) }
        guard text.utf8.contains(UInt8(ascii: ":")) else {
            return v4(text).map { .success(IPAddress(octets: $0)) } ?? .failure(.malformed)
        }
        if text.utf8.contains(UInt8(ascii: ".")) {
            let tail = text.split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) ?? ""
            return .failure(v4(tail) == nil ? .malformed : .mapped)
        }
        return v6(text).map { .success(IPAddress(octets: $0)) } ?? .failure(.malformed)
    }

    private static func v4(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var octets: [UInt8] = []
        for part in parts {
            guard part.utf8.count <= 3, part.utf8.allSatisfy({ (48...57).contains($0) }), let octet = UInt8(part),
                part == "0" || part.first != "0"
            else { return nil }
            octets.append(octet)
        }
        return octets
    }

    private static func v6(_ text: String) -> [UInt8]? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, !text.contains(":::"), let front = groups(halves[0]),
            let back = groups(halves.count == 2 ? halves[1] : "")
        else { return nil }
        let missing = 8 - front.count - back.count
        guard halves.count == 2 ? missing >= 1 : missing == 0 else { return nil }
        return (front + Array(repeating: 0, count: missing) + back).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    private static func groups(_ text: Substring) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                part.utf8.first != UInt8(ascii: "-"), let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups.count <= 8 ? groups : nil
    }

    // MARK: text

    var typeName: String { "net.IP" }

    /// The canonical text (RFC 5952).
    var text: String {
        guard octets.count == 16 else { return octets.map(String.init).joined(separator: ".") }
        let groups = (0..<8).map { UInt16(octets[2 * $0]) << 8 | UInt16(octets[2 * $0 + 1]) }
        let gap = Self.longestZeros(groups)
        let hex = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard gap.count > 1 else { return hex(groups[...]) }
        return hex(groups[..<gap.lowerBound]) + "::" + hex(groups[gap.upperBound...])
    }

    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 }
            if index + 1 - start > best.count { best = start..<index + 1 }
        }
        return best
    }

    // MARK: classes

    var family: Int { octets.count == 4 ? 4 : 6 }

    /// IPv4 in IPv6 as plain IPv4.
    var unmapped: IPAddress {
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return octets.starts(with: prefix) ? IPAddress(octets: Array(octets.suffix(4))) : self
    }

    var isUnspecified: Bool { octets.allSatisfy { $0 == 0 } }

    var isLoopback: Bool {
        let address = unmapped.octets
        return address.count == 4 ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
    }

    var isMulticast: Bool {
        let address = unmapped.octets
        return address.count == 4 ? address[0] & 0xF0 == 0xE0 : address[0] == 0xFF
    }

    var isLinkLocalMulticast: Bool {
        let address = unmapped.octets
        return address.count == 4
            ? address.starts(with: [224, 0, 0]) : address[0] == 0xFF && address[1] & 0x0F == 2
    }

    var isLinkLocalUnicast: Bool {
        let address = unmapped.octets
        return address.count == 4
            ? address.starts(with: [169, 254]) : address[0] == 0xFE && address[1] & 0xC0 == 0x80
    }

    var isGlobalUnicast: Bool {
        !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast
            && unmapped.octets != [255, 255, 255, 255]
    }

    func isEqual(to other: any CELOpaqueValue) -> Bool {
        (other as? IPAddress).map { $0.unmapped.octets == unmapped.octets } ?? false
    }
}
