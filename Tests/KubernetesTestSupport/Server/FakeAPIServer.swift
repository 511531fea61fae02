import Encodings
import Foundation
import HTTPServing
import HTTPTypes
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Serves a ``FakeCluster`` over TLS on a port of this machine.
package final class FakeAPIServer: Sendable {
    private struct State {
        var port = 0
        var task: Task<Void, any Error>?
    }

    private struct NotListening: Error {}

    package let cluster: FakeCluster
    private let authority: Mutex<LoopbackAuthority>
    private let offersHTTP2: Bool
    private let state = Mutex(State())

    private init(cluster: FakeCluster, offersHTTP2: Bool) throws {
        self.cluster = cluster
        self.offersHTTP2 = offersHTTP2
        authority = Mutex(try LoopbackAuthority())
    }

    /// Serves a cluster, a new one unless one is given, for the length of `body`.
    package static func run<T: Sendable>(
        _ cluster: FakeCluster? = nil, offersHTTP2: Bool = false,
        _ body: @Sendable (FakeAPIServer) async throws -> T
    ) async throws -> T {
        let server = try FakeAPIServer(cluster: cluster ?? FakeCluster(), offersHTTP2: offersHTTP2)
        try await server.start()
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Where it is found, without a slash at the end.
    package var baseURL: String { "https://127.0.0.1:\(state.withLock(\.port))" }

    /// The authority that a client must trust.
    package var authorityPEM: String { authority.withLock(\.certificatePEM) }

    /// A kubeconfig for a token, the administrator's unless another is given.
    package func kubeconfig(token: String? = nil, namespace: String = "default") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: fake
        contexts:
        - name: fake
          context: {cluster: fake, user: fake, namespace: \(namespace)}
        clusters:
        - name: fake
          cluster:
            server: \(baseURL)
            certificate-authority-data: \(Base64.encode(Array(authorityPEM.utf8)))
        users:
        - name: fake
          user: {token: "\(token ?? cluster.adminToken)"}

        """
    }

    /// Serves under a certificate of a new authority from the next start on.
    package func rotateAuthority() throws {
        let fresh = try LoopbackAuthority()
        authority.withLock { $0 = fresh }
    }

    /// Listens, after ``stop()`` on the same port as before.
    package func start() async throws {
        let tls = try authority.withLock { try $0.serverConfiguration() }
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "fake-api-server")
        logger.logLevel = .critical
        let builder =
            offersHTTP2
            ? HTTPServerBuilder { DroppableChannel(try HTTP2UpgradeChannel(tlsConfiguration: tls, responder: $0)) }
            : HTTPServerBuilder { DroppableChannel(try TLSChannel(HTTP1Channel(responder: $0), tlsConfiguration: tls)) }
        let service = try builder.buildServer(
            configuration: .init(address: .hostname("127.0.0.1", port: state.withLock(\.port))),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { [weak self] request, writer, _ in try await self?.respond(request, writer) },
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) })
        let task = Task {
            defer { announce.finish() }
            try await service.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next(), port != 0 else {
            // Either it never listened, which its error tells, or whoever waits here is cancelled: then it serves, and nobody
            // is left to stop it.
            task.cancel()
            try await task.value
            throw NotListening()
        }
        state.withLock { state in
            state.port = port
            state.task = task
        }
        let address = baseURL
        cluster.state.withLock { $0.baseURL = address }
    }

    /// Closes all connections and refuses new ones, as an API server does that is gone. The cluster stays.
    package func stop() async {
        let task = state.withLock { state in
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
        _ = await task?.result
    }
}

extension FakeAPIServer {
    private struct HungUp: Error {}

    private func respond(_ request: Request, _ writer: consuming ResponseWriter) async throws {
        // The body of a watch is left unread: reading on is how the end of the connection is noticed.
        let mayWatch = request.method == .get
        let body = mayWatch ? ByteBuffer() : try await request.body.collect(upTo: 3_145_728)
        let headers = Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { first, _ in first }
        let incoming = IncomingRequest(
            method: request.method.rawValue, target: request.head.path ?? "/", headers: headers,
            body: Array(body.readableBytesView))
        switch await cluster.answerAsking(incoming) {
        case .json(let code, let object, let warnings):
            try await Self.send(Self.response(code, object, warnings), writer)
        case .text(let text):
            let content = ResponseBody(byteBuffer: ByteBuffer(string: text))
            try await Self.send(Response(status: .ok, headers: [.contentType: "text/plain"], body: content), writer)
        case .silence: try await Task.sleep(for: .seconds(86_400))
        case .hangUp: throw HungUp()
        case .watch(let plan):
            try await serve(WatchSession(cluster: cluster, plan: plan), writer, request)
        }
    }

    private func serve(
        _ watch: WatchSession, _ writer: consuming ResponseWriter, _ request: Request
    ) async throws {
        var session = watch
        let watcher = session.watcher
        let head = HTTPResponse(
            status: .ok, headerFields: [.contentType: "application/json", .cacheControl: "no-cache, private"])
        var bodyWriter: any ResponseBodyWriter = try await writer.writeHead(head)
        // A stream of HTTP/2 is closed in one direction from its beginning on.
        guard !offersHTTP2 else { return try await session.run(&bodyWriter) }
        try await request.body.consumeWithInboundCloseHandler { _ in
            try await session.run(&bodyWriter)
        } onInboundClosed: {
            watcher.disturb(.end)
        }
    }

    private static func send(_ response: Response, _ writer: consuming ResponseWriter) async throws {
        try await writer.write(response: response.head, body: response.body)
    }

    private static func response(_ code: Int, _ object: JSONObject, _ warnings: [String]) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-cache, private"]
        if let seconds = object["details"]?["retryAfterSeconds"]?.intValue, code == 429 || code >= 500 {
            headers[.retryAfter] = String(seconds)
        }
        if let name = HTTPField.Name("Warning") {
            for warning in warnings {
                let text = warning.replacing("\"", with: "\\\"")
                headers.append(HTTPField(name: name, value: "299 - \"\(text)\""))
            }
        }
        return Response(
            status: .init(code: code), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: object.serialized())))
    }
}
