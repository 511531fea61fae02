/// An address to listen on.
public struct ListenAddress: Sendable, Hashable {
    /// A host name or address, IPv6 without brackets.
    public let host: String
    /// The port; 0 takes a free one.
    public let port: Int

    /// Reads `host:port`, with brackets around an IPv6 address; `nil` for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }
}
