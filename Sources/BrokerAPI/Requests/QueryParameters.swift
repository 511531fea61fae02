import Broker

/// Decodes `application/x-www-form-urlencoded` text (WHATWG URL section 5), strictly.
enum QueryParameters {
    static let maximumCount = 64

    /// The parameters by name.
    ///
    /// Throws `malformed` for a broken escape, text that is not UTF-8, control characters, more than 64 parameters and
    /// a name that comes twice: a policy and the broker must never see different values.
    static func parse(_ query: String?) throws(BrokerError) -> [String: String] {
        guard let query, !query.isEmpty else { return [:] }
        var parameters: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try PercentEncoding.decode(parts[0], plusIsSpace: true)
            let value = parts.count == 2 ? try PercentEncoding.decode(parts[1], plusIsSpace: true) : ""
            guard parameters[name] == nil, parameters.count < maximumCount else { throw .malformedQuery }
            parameters[name] = value
        }
        return parameters
    }
}

/// Percent-encoding (RFC 3986 section 2.1).
enum PercentEncoding {
    /// Decodes a text once.
    ///
    /// Throws `malformed` for a broken escape, bytes that are not UTF-8 and control characters.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) throws(BrokerError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let high = digit(rest.removeFirst()), let low = digit(rest.removeFirst()) else {
                    throw .malformedQuery
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw .malformedQuery }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension BrokerError {
    static let malformedQuery = BrokerError(
        kind: .malformed, variant: "InvalidRequestPath", code: "invalid_query", message: "Request query is invalid")
}
