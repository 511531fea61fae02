public import JOSE
public import RATS

/// How a guest reaches its broker and attests to it.
public struct KBSClientConfiguration: Sendable {
    /// The broker's addresses, for example `https://kbs.example:8080`, in the order of preference; empty when the guest has
    /// no broker, and every request for something of a broker fails.
    public var urls: [String]
    /// Certificates (PEM) of the authorities to trust in place of the system's; nil trusts the system's.
    public var trustAnchorsPEM: String?
    /// Whether an `http` address is accepted.
    public var insecureHTTPAllowed: Bool
    /// Through which proxy the broker is reached.
    public var proxy: ProxySetting
    /// The kind of key that resources are sealed to.
    public var keyKind: JWEPrivateKey.Kind
    /// The init-data document (TOML, as the hardware measured it), or nil.
    public var initData: String?
    /// Time for one HTTP exchange.
    public var timeout: Duration
    /// Time of it for name lookup, connection and TLS.
    public var connectTimeout: Duration
    /// Largest answer accepted, in bytes.
    public var maximumResponseBytes: Int
    /// How long a refused attestation is not repeated the first time; doubles with each refusal in a row, up to 4 times.
    public var refusalHold: Duration
    /// After how long another address than the first is left for the first again.
    public var returnAfter: Duration
    /// The time of day.
    public var clock: WallClock
    /// Where attestations are counted.
    public var metrics: GuestMetrics

    /// A configuration; only the address is needed.
    public init(
        url: String?, furtherURLs: [String] = [], trustAnchorsPEM: String? = nil, insecureHTTPAllowed: Bool = false,
        proxy: ProxySetting = .none, keyKind: JWEPrivateKey.Kind = .ecP256, initData: String? = nil,
        timeout: Duration = .seconds(60), connectTimeout: Duration = .seconds(10),
        maximumResponseBytes: Int = 16 * 1_048_576, refusalHold: Duration = .seconds(10),
        returnAfter: Duration = .seconds(300), clock: WallClock = .system, metrics: GuestMetrics = GuestMetrics()
    ) {
        self.urls = [url].compactMap { $0 } + furtherURLs
        self.trustAnchorsPEM = trustAnchorsPEM
        self.insecureHTTPAllowed = insecureHTTPAllowed
        self.proxy = proxy
        self.keyKind = keyKind
        self.initData = initData
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.maximumResponseBytes = maximumResponseBytes
        self.refusalHold = refusalHold
        self.returnAfter = returnAfter
        self.clock = clock
        self.metrics = metrics
    }
}
