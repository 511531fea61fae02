import HTTPServing
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle
public import Telemetry

/// Serves `/livez`, `/readyz`, `/startupz` and `/metrics` over plain HTTP/1.1. Nothing of what it says is secret.
public struct HealthServer: Service {
    /// Probes and scrapes are few; anybody may ask, and nobody may use up what the process can open.
    private static let mostConnections = 256
    private static let idle: TimeAmount = .seconds(60)
    /// How long a connection's first request may take to begin, and every request to arrive.
    var arrival: TimeAmount = .seconds(5)

    private let checks: HealthChecks
    private let metrics: MetricsRegistry
    private let host: String
    private let port: Int
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - onListening: called once with the port when connections are accepted.
    public init(
        _ checks: HealthChecks, metrics: MetricsRegistry, host: String, port: Int, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.checks = checks
        self.metrics = metrics
        self.host = host
        self.port = port
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        let responder = CallbackResponder<BasicRequestContext> { request, _ in answer(to: request) }
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestDeadline(first: arrival, whole: arrival)], idleTimeout: Self.idle)
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0, configuration: http)) },
            configuration: .init(
                address: .hostname(host, port: port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
        try await application.run()
    }

    private func answer(to request: Request) -> Response {
        guard request.method == .get || request.method == .head else {
            return Self.response(.methodNotAllowed, "only GET\n")
        }
        let report: HealthChecks.Report
        switch request.uri.path {
        case "/livez": report = checks.live()
        case "/readyz": report = checks.ready()
        case "/startupz": report = checks.started()
        case "/metrics": return Self.response(.ok, metrics.prometheusText(), "text/plain; version=0.0.4")
        default: return Self.response(.notFound, "not found\n")
        }
        // The short form is for probes; `?verbose` and failures name each check.
        let isVerbose = !report.isGood || request.uri.queryParameters["verbose"] != nil
        return Self.response(report.isGood ? .ok : .serviceUnavailable, isVerbose ? report.text : "ok\n")
    }

    private static func response(
        _ status: HTTPResponse.Status, _ text: String, _ type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
