import HTTPServing
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// Serves a ``RESTFace`` over HTTP/1.1 on one address, without TLS: it never leaves the machine or pod.
public struct RESTServer: Service {
    static let maximumBodyBytes = 65_536

    private let face: RESTFace
    private let address: ListenAddress
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int?) async -> Void

    /// A server for `face`.
    ///
    /// - Parameters:
    ///   - address: where to listen; a left-over socket file is replaced.
    ///   - onListening: called once with the port (nil on a Unix socket) when connections are accepted.
    public init(
        _ face: RESTFace, on address: ListenAddress, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int?) async -> Void = { _ in }
    ) {
        self.face = face
        self.address = address
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        let responder = CallbackResponder<RESTContext> { [face, address] request, context in
            let peer = address.isUnixSocket ? nil : context.peer
            guard address.isUnixSocket || peer != nil else { return Self.response(.text(403, "Forbidden")) }
            guard let body = try await Self.body(of: request) else {
                return Self.response(.text(413, "The body is larger than \(Self.maximumBodyBytes) bytes."))
            }
            let caller = try await Self.caller(context, address, face)
            let answer = await face.answer(
                RESTRequest(
                    method: request.method.rawValue, target: request.head.path ?? "/",
                    authority: request.head.authority, peer: peer, caller: caller, body: body))
            return Self.response(answer)
        }
        let application = Application(
            responder: responder, server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) },
            configuration: .init(address: bindAddress(), serverName: nil),
            onServerRunning: { [address, face, onListening] channel in
                // Where the kernel's word on each caller counts, the file may be open to those who are named.
                if case .unix(let path) = address {
                    SocketFile.restrict(path, to: face.peers?.areOthersNamed ?? false ? 0o666 : 0o660)
                }
                await onListening(channel.localAddress?.port)
            },
            logger: logger)
        try await application.run()
    }

    private static func caller(
        _ context: RESTContext, _ address: ListenAddress, _ face: RESTFace
    ) async throws -> PeerIdentity? {
        guard address.isUnixSocket, face.peers != nil else { return nil }
        return try await PeerIdentity.of(context.channel).get()
    }

    /// Nil when there is more than is allowed.
    private static func body(of request: Request) async throws -> [UInt8]? {
        var request = request
        do {
            return Array(try await request.collectBody(upTo: maximumBodyBytes).readableBytesView)
        } catch is NIOTooManyBytesError {
            return nil
        }
    }

    private func bindAddress() -> BindAddress {
        switch address {
        case .tcp(let host, let port):
            return .hostname(host, port: port)
        case .unix(let path):
            SocketFile.removeStale(path)
            return .unixDomainSocket(path: path)
        }
    }

    private static func response(_ answer: RESTAnswer) -> Response {
        var headers: HTTPFields = [.contentType: answer.contentType, .cacheControl: "no-store"]
        if let seconds = answer.retryAfter { headers[.retryAfter] = "\(seconds)" }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}

/// A request's context, with the peer it came from.
struct RESTContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: SocketAddress?
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress
        channel = source.channel
    }
}
