/// What an `HTTPClient` may do.
public struct HTTPClientConfiguration: Sendable {
    /// Certificates (PEM, one or more) of additional certification authorities to trust.
    public var trustAnchorsPEM: String?
    /// Whether the operating system's certification authorities are trusted too.
    public var systemTrust: Bool
    /// What servers are shown that ask for a certificate; nil shows none.
    public var clientIdentity: HTTPClientIdentity?
    /// Proxy URL for all requests, or nil for none. Proxy variables of the environment are ignored.
    public var proxy: String?
    /// Hosts reached without the proxy, as libcurl's comma-separated list; nil for none.
    public var proxyExceptions: String?
    /// Value of the `User-Agent` header.
    public var userAgent: String
    /// Largest response body accepted, in bytes.
    public var maximumResponseBytes: Int
    /// Whether `http` URLs may be requested over TCP.
    public var insecureHTTPAllowed: Bool
    /// Whether connections to link-local addresses and to the metadata services of clouds are refused, whatever name led
    /// there. With a proxy it is the proxy's address that is looked at.
    public var machineAddressesRefused: Bool

    /// Describes a client; the defaults trust the system's authorities, use no proxy and refuse plain http.
    public init(
        trustAnchorsPEM: String? = nil, systemTrust: Bool = true, clientIdentity: HTTPClientIdentity? = nil,
        proxy: String? = nil, proxyExceptions: String? = nil,
        userAgent: String = "claviger", maximumResponseBytes: Int = 16 * 1_048_576, insecureHTTPAllowed: Bool = false,
        machineAddressesRefused: Bool = false
    ) {
        self.trustAnchorsPEM = trustAnchorsPEM
        self.systemTrust = systemTrust
        self.clientIdentity = clientIdentity
        self.proxy = proxy
        self.proxyExceptions = proxyExceptions
        self.userAgent = userAgent
        self.maximumResponseBytes = maximumResponseBytes
        self.insecureHTTPAllowed = insecureHTTPAllowed
        self.machineAddressesRefused = machineAddressesRefused
    }

    func validate() throws(HTTPTransportError) {
        guard let proxy else { return }
        let schemes = ["http://", "https://", "socks5://", "socks5h://"]
        guard schemes.contains(where: { proxy.lowercased().hasPrefix($0) }) else {
            throw HTTPTransportError(
                .invalidRequest, "A proxy is given as URL with scheme http, https, socks5 or socks5h.")
        }
    }
}
