import FoundationEssentials
public import HTTPTransport
public import RATS

/// A publisher's service over the network: TLS is verified, redirects are not followed, only a configured proxy is used,
/// nothing is asked of a machine's own or its cloud's metadata service, and time and size have a hard end.
public struct PublishedOrigin: CollateralOrigin {
    /// The service and its address.
    public let name: String
    /// Always.
    public let usesNetwork = true

    private let publisher: any CollateralPublisher
    private let http: HTTPClient
    private let timeout: Duration

    /// A service.
    ///
    /// - Parameters:
    ///   - publisher: How it names things.
    ///   - configuration: How to reach it; the size limit and the refused addresses are set here whatever it says.
    ///   - timeout: Time for one exchange.
    /// - Throws: ``HTTPTransportError`` when the proxy is no URL or the client cannot be started.
    public init(
        _ publisher: any CollateralPublisher, configuration: HTTPClientConfiguration, timeout: Duration
    ) throws(HTTPTransportError) {
        self.publisher = publisher
        self.timeout = timeout
        name = "\(publisher.service) \(publisher.baseURL)"
        var configuration = configuration
        configuration.maximumResponseBytes = CollateralLimits.bodyBytes
        configuration.machineAddressesRefused = true
        http = try HTTPClient(configuration: configuration)
    }

    /// A service over https.
    ///
    /// - Parameters:
    ///   - publisher: How it names things.
    ///   - proxy: Proxy URL; nil for none.
    ///   - proxyExceptions: Hosts reached without the proxy, separated by commas.
    ///   - trustAnchorsPEM: Certification authorities to trust in place of the system's.
    ///   - timeout: Time for one exchange.
    /// - Throws: ``CollateralFetchFailure`` when the proxy is no URL or the client cannot be started.
    public init(
        _ publisher: any CollateralPublisher, proxy: String?, proxyExceptions: String?, trustAnchorsPEM: String?,
        timeout: Duration
    ) throws(CollateralFetchFailure) {
        let configuration = HTTPClientConfiguration(
            trustAnchorsPEM: trustAnchorsPEM, systemTrust: trustAnchorsPEM == nil, proxy: proxy,
            proxyExceptions: proxyExceptions)
        do throws(HTTPTransportError) {
            try self.init(publisher, configuration: configuration, timeout: timeout)
        } catch {
            throw CollateralFetchFailure(.unavailable, error.message)
        }
    }

    /// Whether the publisher knows a request for it.
    public func provides(_ name: CollateralName) -> Bool { publisher.request(for: name) != nil }

    /// Asks the service.
    public func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem {
        guard var request = publisher.request(for: name) else {
            throw CollateralFetchFailure(.unknown, "the service has nothing like it.")
        }
        request.timeout = timeout
        let response: HTTPResponse
        do throws(HTTPTransportError) {
            response = try await http.send(request)
        } catch {
            let kind: CollateralFetchFailure.Kind = error.code == .tooLarge ? .malformed : .unavailable
            throw CollateralFetchFailure(kind, "\(self.name) was asked in vain: \(error.description)")
        }
        if let failure = failure(response) { throw failure }
        return try publisher.item(name, in: response)
    }

    private func failure(_ response: HTTPResponse) -> CollateralFetchFailure? {
        switch response.status {
        case 200: nil
        case 400, 404, 410: CollateralFetchFailure(.unknown, "\(name) answers \(response.status).")
        case 429, 503:
            CollateralFetchFailure(
                .throttled, "\(name) asks for patience (\(response.status)).",
                retryAfter: response.header("Retry-After").flatMap(Self.seconds))
        case 300...399:
            CollateralFetchFailure(
                .unavailable, "\(name) answers \(response.status), and redirects are not followed.")
        default: CollateralFetchFailure(.unavailable, "\(name) answers \(response.status).")
        }
    }

    /// RFC 9110 section 10.2.3: seconds, or a date.
    private static func seconds(_ text: String) -> Double? {
        if let seconds = UInt32(text) { return Double(seconds) }
        return HTTPDate.parse(text).map { max(0, $0.timeIntervalSinceNow) }
    }
}
