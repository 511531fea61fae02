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
    private static let idle: TimeAmount = .seconds(120)

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
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await certificates.run() }
            group.addTask {
                guard let certificate = await certificates.first() else { return }
                await serve(certificate)
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Apart from the task of the process, whose shutdown it would follow at once: until API servers call elsewhere, calls are
    /// answered.
    private func serve(_ certificate: ExchangeableCertificate) async {
        let group: ServiceGroup
        do {
            group = ServiceGroup(
                configuration: .init(services: [try application(certificate)], logger: quietLogger))
        } catch {
            return logger.critical("the admission webhooks cannot be served", metadata: ["reason": "\(error)"])
        }
        let serving = Task.detached { [logger] in
            do {
                try await group.run()
            } catch {
                logger.critical("the admission webhooks are not served any more", metadata: ["reason": "\(error)"])
            }
        }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                await withTaskCancellationHandler {
                    await serving.value
                } onCancel: {
                    serving.cancel()
                }
            }
            tasks.addTask {
                guard (try? await gracefulShutdown()) != nil else { return }
                try? await Task.sleep(for: settings.lingering)
                await group.triggerGracefulShutdown()
                await serving.value
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    private func application(_ certificate: ExchangeableCertificate) throws -> some Service {
        let callbacks = CallbackResponder<BasicRequestContext> { [responder] request, _ in
            await responder.answer(to: request)
        }
        return Application(
            responder: callbacks,
            server: HTTPServerBuilder { responder in
                var tls = certificate.tlsConfiguration()
                tls.applicationProtocols = ["http/1.1"]
                return DroppableChannel(
                    try TLSChannel(
                        HTTP1Channel(responder: responder, configuration: .init(idleTimeout: Self.idle)),
                        tlsConfiguration: tls))
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
