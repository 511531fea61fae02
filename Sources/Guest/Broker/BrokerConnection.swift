import Encodings
import HTTPTransport
import KBSProtocol

/// The HTTP side of one broker: addresses, headers, and transport failures as guest errors.
struct BrokerConnection: Sendable {
    private let http: HTTPClient
    private let prefix: String?
    private let timeout: Duration
    private let connectTimeout: Duration

    /// A connection to one of the configuration's addresses; nil for a guest without a broker.
    init(_ configuration: KBSClientConfiguration, at url: String? = nil) throws(GuestError) {
        prefix = try url.map(Self.prefix)
        timeout = configuration.timeout
        connectTimeout = configuration.connectTimeout
        let proxy = configuration.proxy.url(for: url ?? "")
        do throws(HTTPTransportError) {
            http = try HTTPClient(
                configuration: .init(
                    trustAnchorsPEM: configuration.trustAnchorsPEM, systemTrust: configuration.trustAnchorsPEM == nil,
                    proxy: proxy, proxyExceptions: configuration.proxy.exceptions,
                    userAgent: "claviger-attestation-agent", maximumResponseBytes: configuration.maximumResponseBytes,
                    insecureHTTPAllowed: configuration.insecureHTTPAllowed))
        } catch {
            throw GuestError(.invalidRequest, "The broker's address or certificate cannot be used: \(error.message)")
        }
    }

    private static func prefix(_ url: String) throws(GuestError) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        // The address is logged, and libcurl would send what stands before an @ to the broker.
        guard !url.contains("@") else {
            throw GuestError(.invalidRequest, "The broker's address cannot be used: it contains credentials.")
        }
        return url + "/kbs/v0/"
    }

    private func address(_ target: String) throws(GuestError) -> String {
        guard let prefix else {
            throw GuestError(.invalidRequest, "No key broker is configured: give its address with --kbs-url.")
        }
        return prefix + target
    }

    func post(
        _ path: String, body: [UInt8], contentType: String = "application/json", cookie: String? = nil,
        bearer: SecretBytes? = nil
    ) async throws(GuestError) -> HTTPResponse {
        var headers = [(name: "Content-Type", value: contentType), (name: "Accept", value: "application/json")]
        if let cookie { headers.append((name: "Cookie", value: cookie)) }
        if let bearer { headers.append(Self.authorization(bearer)) }
        return try await send(
            HTTPRequest(
                method: "POST", url: try address(path), headers: headers, body: body, timeout: timeout,
                connectTimeout: connectTimeout))
    }

    func get(_ target: String, bearer: SecretBytes) async throws(GuestError) -> HTTPResponse {
        try await send(
            HTTPRequest(
                url: try address(target), headers: [Self.authorization(bearer)], timeout: timeout,
                connectTimeout: connectTimeout))
    }

    private func send(_ request: HTTPRequest) async throws(GuestError) -> HTTPResponse {
        do throws(HTTPTransportError) {
            return try await http.send(request)
        } catch {
            switch error.code {
            case .invalidRequest, .insecure, .forbiddenAddress:
                throw GuestError(.invalidRequest, "The broker's address cannot be used: \(error.message)")
            case .tls:
                throw GuestError(.untrusted, "No trustworthy connection to the broker: \(error.message)")
                    .blamingAddress()
            case .tooLarge:
                throw GuestError(.unexpected, "The broker's answer is too large: \(error.message)")
            case .cancelled:
                throw GuestError(.unavailable, "The request to the broker was given up.")
            case .unreachable, .connectionLost, .timeout, .idle, .failed:
                throw GuestError(.unavailable, "The broker cannot be reached: \(error.message)")
                    .blamingAddress(isTimeout: error.code == .timeout)
            }
        }
    }

    private static func authorization(_ token: SecretBytes) -> (name: String, value: String) {
        (name: "Authorization", value: "Bearer " + token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }
}

extension HTTPResponse {
    /// The value for a `Cookie` header that returns the cookies this response sets, or nil when it sets none.
    var returnedCookies: String? {
        let pairs = headers(named: "Set-Cookie").compactMap { field -> String? in
            let pair = field.prefix { $0 != ";" }.trimmingSpaces
            return pair.contains("=") ? pair : nil
        }
        return pairs.isEmpty ? nil : pairs.joined(separator: "; ")
    }
}

extension Substring {
    var trimmingSpaces: String {
        var rest = drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
