import FoundationEssentials
import HTTPServing
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
public import ServiceLifecycle

/// Serves the admission webhooks over TLS and HTTP/1.1, on every replica.
///
/// Nothing is listened on before there is a certificate. API servers keep connections open: a certificate that was exchanged
/// counts from the next connection on, and no call is refused for it.
public struct AdmissionServer: Service {
    private static let mostConnections = 256
    /// How long a connection may be open between calls: API servers keep theirs.
    private static let idle: TimeAmount = .seconds(120)
    /// How long calls under way may take once a shutdown began.
    private static let longestShutdown: Duration = .seconds(5)

    /// How long a connection's first call may take to begin, and every call to arrive.
    var arrival = TimeAmount(AdmissionResponder.arrival)
    private let settings: AdmissionSettings
    private let responder: AdmissionResponder
    private let certificates: AdmissionCertificates
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) async -> Void

    init(
        _ settings: AdmissionSettings, responder: AdmissionResponder, certificates: AdmissionCertificates,
        logger: Logger, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.settings = settings
        self.responder = responder
        self.certificates = certificates
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown, and a little longer, or cancellation.
    ///
    /// - Throws: ``ControllerError`` `cannot_listen` when the address cannot be listened on, or not any more.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await certificates.run() }
            group.addTask {
                guard let certificate = await firstCertificate() else { return }
                try await serve(certificate)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Nil when the process is to end before there is one.
    private func firstCertificate() async -> ExchangeableCertificate? {
        await withTaskGroup(of: ExchangeableCertificate?.self) { group in
            group.addTask { await certificates.first() }
            group.addTask {
                try? await gracefulShutdown()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Apart from the task of the process, whose shutdown it would follow at once: until API servers call elsewhere, calls are
    /// answered.
    private func serve(_ certificate: ExchangeableCertificate) async throws(ControllerError) {
        let connections = OpenConnections(patience: Self.longestShutdown)
        let group = ServiceGroup(
            configuration: .init(services: [connections, application(certificate, connections)], logger: quietLogger))
        let serving = Task.detached { try await group.run() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try await withTaskCancellationHandler {
                        try await serving.value
                    } onCancel: {
                        serving.cancel()
                    }
                }
                tasks.addTask {
                    guard (try? await gracefulShutdown()) != nil else { return }
                    try? await Task.sleep(for: settings.lingering)
                    await group.triggerGracefulShutdown()
                    try await serving.value
                }
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        } catch {
            guard !Task.isCancelled else { return }
            throw ControllerError(
                code: "cannot_listen",
                message: "The admission webhooks cannot be served on \(settings.host), port \(settings.port): \(error)")
        }
    }

    private func application(
        _ certificate: ExchangeableCertificate, _ connections: OpenConnections
    ) -> some Service {
        let callbacks = CallbackResponder<BasicRequestContext> { [responder] request, _ in
            await responder.answer(to: request)
        }
        return Application(
            responder: callbacks,
            server: HTTPServerBuilder { [arrival] responder in
                var tls = certificate.tlsConfiguration()
                tls.applicationProtocols = ["http/1.1"]
                let http = HTTP1Channel.Configuration(
                    additionalChannelHandlers: [RequestDeadline(first: arrival, whole: arrival)],
                    idleTimeout: Self.idle)
                return DroppableChannel(
                    TrackedChannel(
                        try TLSChannel(
                            HTTP1Channel(responder: responder, configuration: http), tlsConfiguration: tls),
                        connections: connections))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { [onListening, logger, settings] channel in
                let port = channel.localAddress?.port ?? settings.port
                logger.notice("admission webhooks listen", metadata: ["port": "\(port)"])
                await onListening(port)
            }, logger: quietLogger)
    }

    /// The frameworks below log what is of no use to an operator; only the level `trace` shows that, too.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = logger.logLevel == .trace ? .trace : max(logger.logLevel, .warning)
        return logger
    }
}
