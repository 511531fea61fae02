import Broker
import Encodings

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

extension PercentEncoding {
    /// Decodes a text once.
    ///
    /// Throws `malformed` for a broken escape, bytes that are not UTF-8 and control characters.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) throws(BrokerError) -> String {
        guard let bytes = try? Self.bytes(of: text, plusIsSpace: plusIsSpace),
            let decoded = String(validating: bytes, as: UTF8.self),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw .malformedQuery }
        return decoded
    }
}

extension BrokerError {
    static let malformedQuery = BrokerError(
        kind: .malformed, variant: "InvalidRequestPath", code: "invalid_query", message: "Request query is invalid")
}
