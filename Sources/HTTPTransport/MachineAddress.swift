import CCurl

/// IP addresses at which a machine, or the cloud that it runs in, answers about itself: nothing that is asked for by name on
/// somebody's behalf is there, and what is there may be a credential.
struct MachineAddress {
    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    private static let translatedPrefix: [UInt8] = [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
    /// Services of clouds outside the link-local networks.
    private static let services: Set<[UInt8]> = [
        [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192],
        [0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
        [0xFD, 0x20, 0x00, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]

    /// Whether 4 or 16 bytes in network order are such an address: link-local, unspecified, multicast, or a known service.
    static func isOne(_ bytes: [UInt8]) -> Bool {
        if services.contains(bytes) { return true }
        guard bytes.count == 16 else {
            return bytes.count != 4 || bytes[0] == 0 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254)
        }
        // IPv4 in its IPv6 forms (RFC 4291 section 2.5.5.2, RFC 6052 section 2.1).
        let prefix = Array(bytes[..<12])
        if prefix == mappedPrefix || prefix == translatedPrefix { return isOne(Array(bytes[12...])) }
        let isLinkLocal = bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
        return isLinkLocal || bytes[0] == 0xFF || bytes.allSatisfy { $0 == 0 }
    }

    /// Whether libcurl is about to connect to such an address; an address that is no IP address counts as one.
    static func isOne(_ address: UnsafePointer<curl_sockaddr>) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = Int(claviger_curl_ip_address(address, &bytes))
        return isOne(Array(bytes[..<count]))
    }
}
