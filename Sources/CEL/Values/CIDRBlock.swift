/// An address with a prefix length, as in `192.168.0.1/24`.
struct CIDRBlock: Sendable, Hashable, CELOpaqueValue {
    let address: IPAddress
    let prefixLength: Int

    enum ParseError: Error { case malformed, zone, mapped }

    static func parse(_ text: String) -> Result<CIDRBlock, ParseError> {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .failure(.malformed) }
        switch IPAddress.parse(String(parts[0])) {
        case .failure(.zone): return .failure(.zone)
        case .failure(.mapped): return .failure(.mapped)
        case .failure(.malformed): return .failure(.malformed)
        case .success(let address):
            let digits = parts[1]
            guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
                digits == "0" || digits.first != "0", let length = Int(digits), length <= address.octets.count * 8
            else { return .failure(.malformed) }
            return .success(CIDRBlock(address: address, prefixLength: length))
        }
    }

    var typeName: String { "net.CIDR" }
    var text: String { "\(address.text)/\(prefixLength)" }

    /// The block with every bit after the prefix cleared.
    var masked: CIDRBlock {
        var octets = address.octets
        for index in octets.indices {
            let kept = Swift.min(Swift.max(prefixLength - 8 * index, 0), 8)
            octets[index] &= kept == 0 ? 0 : 0xFF << UInt8(8 - kept)
        }
        return CIDRBlock(address: IPAddress(octets: octets), prefixLength: prefixLength)
    }

    func contains(_ other: IPAddress) -> Bool {
        other.octets.count == address.octets.count
            && CIDRBlock(address: other, prefixLength: prefixLength).masked.address == masked.address
    }

    func contains(_ other: CIDRBlock) -> Bool { other.prefixLength >= prefixLength && contains(other.address) }

    func isEqual(to other: any CELOpaqueValue) -> Bool { (other as? CIDRBlock) == self }
}
