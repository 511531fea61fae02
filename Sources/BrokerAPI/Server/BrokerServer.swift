public import Broker
import FoundationEssentials
import HTTPServing
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
public import Logging
import NIOCore
import RATS
public import ServiceLifecycle
import Synchronization
public import Telemetry

/// The broker's HTTP face: serves the KBS protocol and the admin API on the configured addresses until shut down.
public struct BrokerServer: Service {
    /// How long requests under way may take once a shutdown began; what is open then is closed.
    private static let longestShutdown: Duration = .seconds(5)

    /// How long a request may take to arrive.
    private static let longestRequest: TimeAmount = .seconds(60)

    private let configuration: BrokerConfiguration
    private let responder: BrokerResponder
    private let certificates: CertificateFiles?
    private let references: ReferenceValueServer?
    private let certificateExpiry: CertificateExpiry?
    private let onListening: @Sendable (ListenAddress) async -> Void
    private let logger: Logger

    /// Prepares a server; nothing is opened yet.
    ///
    /// - Parameters:
    ///   - configuration: Addresses, certificate files, admin access and limits.
    ///   - broker: What answers the requests.
    ///   - metrics: What `/metrics` shows; also where requests are counted.
    ///   - logger: Where the server logs.
    ///   - clock: The time that admin tokens are checked against.
    ///   - onListening: Called for each address once connections are accepted, with the port that was taken.
    /// - Throws: ``Broker/ConfigurationError`` when a file is missing or a setting is unusable, and when there is neither
    ///   a certificate nor permission for plaintext.
    public init(
        configuration: BrokerConfiguration, broker: Broker, metrics: MetricsRegistry, logger: Logger,
        clock: WallClock = .system, onListening: @escaping @Sendable (ListenAddress) async -> Void = { _ in }
    ) throws(ConfigurationError) {
        certificates = try Self.certificates(configuration.transport, logger)
        if certificates == nil {
            logger.warning("serving without TLS; only for a broker behind a proxy on the same host, and for tests")
            BrokerMetrics.insecureMode("plaintext", factory: metrics)
        }
        certificateExpiry = configuration.transport.certificateFile.map {
            CertificateExpiry(certificateFile: $0, factory: metrics)
        }
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        let gate = try AdminGate(configuration.admin, clock: clock, metrics: metrics, logger: logger)
        references = try Self.references(configuration, broker, gate, logger)
        responder = BrokerResponder(
            broker: broker, gate: gate,
            limiter: SourceRateLimiter(
                rate: configuration.limits.challengesPerSecond, burst: configuration.limits.challengeBurst),
            limits: configuration.limits, metrics: HTTPMetrics(factory: metrics),
            metricsText: { metrics.prometheusText() }, secureCookies: certificates != nil, logger: logger)
    }

    /// Looks at everything that serving needs, without opening anything: certificate and key, the keys of identity
    /// providers, the access list. Throws ``Broker/ConfigurationError`` as the initialiser does.
    public static func check(_ configuration: BrokerConfiguration, logger: Logger) throws(ConfigurationError) {
        _ = try certificates(configuration.transport, logger)
        _ = try AdminGate(configuration.admin, clock: .system, logger: logger)
    }

    private static func references(
        _ configuration: BrokerConfiguration, _ broker: Broker, _ gate: AdminGate, _ logger: Logger
    ) throws(ConfigurationError) -> ReferenceValueServer? {
        guard let text = configuration.referenceValues.listen else { return nil }
        guard let address = ListenAddress(text) else {
            throw ConfigurationError(code: "invalid_value", message: "referenceValues.listen: \(text) is no host:port.")
        }
        return ReferenceValueServer(
            ReferenceValueService(broker: broker, gate: gate, logger: logger), on: address,
            transport: configuration.transport, maximumRequestBytes: configuration.limits.bodyBytes, logger: logger)
    }

    private static func certificates(
        _ transport: TransportConfiguration, _ logger: Logger
    ) throws(ConfigurationError) -> CertificateFiles? {
        if let certificateFile = transport.certificateFile, let keyFile = transport.keyFile {
            return try CertificateFiles(certificateFile: certificateFile, keyFile: keyFile, logger: logger)
        }
        guard transport.insecurePlaintext else {
            throw ConfigurationError(
                code: "no_certificate",
                message: "There is no server certificate: set transport.certificateFile and transport.keyFile.")
        }
        return nil
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        let loops = ServerLoops.shared
        try await loops.run { try await serve(on: loops.group) }
    }

    private func serve(on loops: any EventLoopGroup) async throws {
        let connections = OpenConnections(patience: Self.longestShutdown)
        var services: [any Service] = [connections]
        if let certificates { services.append(certificates) }
        if let certificateExpiry { services.append(certificateExpiry) }
        if let references { services.append(references) }
        for text in configuration.listen {
            guard let address = ListenAddress(text) else {
                throw ConfigurationError(code: "invalid_value", message: "\(text) is no host:port.")
            }
            services.append(application(on: address, connections, loops))
        }
        try await ServiceGroup(configuration: .init(services: services, logger: quietLogger)).run()
    }

    private func application(
        on address: ListenAddress, _ connections: OpenConnections, _ loops: any EventLoopGroup
    ) -> some Service {
        Application(
            responder: responder, server: channel(connections),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil, backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.limits.connections)),
            onServerRunning: { [onListening, logger] channel in
                let port = channel.localAddress?.port ?? address.port
                logger.notice("listening", metadata: ["host": "\(address.host)", "port": "\(port)"])
                if let bound = ListenAddress(
                    "\(address.host.contains(":") ? "[\(address.host)]" : address.host):\(port)")
                {
                    await onListening(bound)
                }
            },
            eventLoopGroupProvider: .shared(loops), logger: quietLogger)
    }

    private func channel(_ connections: OpenConnections) -> HTTPServerBuilder {
        let limits = configuration.limits
        let idle = TimeAmount.milliseconds(Int64(limits.idleTimeout.inSeconds * 1_000))
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 128 * 1_024, maxHeaderListSize: 160 * 1_024, maxHeaderFieldCount: 100)
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestDeadline(first: idle, whole: Self.longestRequest)],
            idleTimeout: idle, httpDecoderConfiguration: decoder)
        guard let certificates else {
            return HTTPServerBuilder { responder in
                DroppableChannel(
                    TrackedChannel(
                        HTTP1Channel(responder: responder, configuration: http1), connections: connections))
            }
        }
        let tls = certificates.tlsConfiguration()
        let http2 = HTTP2UpgradeChannel.Configuration(
            idleTimeout: limits.idleTimeout, gracefulCloseTimeout: Self.longestShutdown, streamConfiguration: http1)
        return HTTPServerBuilder { responder in
            DroppableChannel(
                TrackedChannel(
                    try HTTP2UpgradeChannel(tlsConfiguration: tls, configuration: http2, responder: responder),
                    connections: connections))
        }
    }

    /// The frameworks below log what the broker logs better itself; only the level `trace` shows their entries too.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = logger.logLevel == .trace ? .trace : max(logger.logLevel, .warning)
        return logger
    }
}
