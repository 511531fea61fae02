/// Through which HTTP proxy a broker is reached.
public struct ProxySetting: Sendable, Hashable {
    /// The proxy for `https` brokers, as URL; nil for none.
    public var https: String?
    /// The proxy for `http` brokers, as URL; nil for none.
    public var http: String?
    /// Hosts that are reached without it: names, addresses and networks, separated by commas; `*` is all.
    public var exceptions: String?

    /// No proxy.
    public static let none = ProxySetting()

    /// A proxy from its parts.
    public init(https: String? = nil, http: String? = nil, exceptions: String? = nil) {
        self.https = https
        self.http = http
        self.exceptions = exceptions
    }

    /// What the usual variables say: `https_proxy`, `http_proxy` and `no_proxy`, in small letters or in capitals, small
    /// letters first. A proxy without a scheme is an `http` one.
    ///
    /// `HTTP_PROXY` in capitals is not read: servers set it from a request's `Proxy` header.
    public init(environment: [String: String]) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        https = value("https_proxy", "HTTPS_PROXY").map(Self.withScheme)
        http = value("http_proxy").map(Self.withScheme)
        exceptions = value("no_proxy", "NO_PROXY")
    }

    /// The one proxy that an operator named for every broker.
    public init(forAll proxy: String, exceptions: String? = nil) {
        self.init(https: Self.withScheme(proxy), http: Self.withScheme(proxy), exceptions: exceptions)
    }

    func url(for address: String) -> String? {
        address.lowercased().hasPrefix("http://") ? http : https
    }

    private static func withScheme(_ proxy: String) -> String {
        proxy.contains("://") ? proxy : "http://\(proxy)"
    }
}
