import Foundation
import HTTPServing
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Kubernetes
import KubernetesTestSupport
import Logging
import NIOSSL
import Synchronization

/// An API server on this machine that answers what a test says, over TLS. What it was asked is remembered.
final class ScriptedServer: Sendable {
    /// A request as it arrived.
    struct Call: Sendable {
        let method: String
        let path: String
        let query: [String: String]
        let headers: [String: String]
        let body: [UInt8]
    }

    typealias Script = @Sendable (Call) async throws -> Response

    let authority: LoopbackAuthority
    let port: Int
    private let received: Received

    var calls: [Call] { received.calls.withLock { $0 } }
    var url: String { "https://127.0.0.1:\(port)" }

    private final class Received: Sendable {
        let calls = Mutex<[Call]>([])
    }

    private init(authority: LoopbackAuthority, port: Int, received: Received) {
        self.authority = authority
        self.port = port
        self.received = received
    }

    /// A client's configuration with a fixed token.
    func configuration(token: String = "secret-token") throws -> KubernetesConfiguration {
        try KubernetesConfiguration(
            server: url, authority: .pem(authority.certificatePEM), credential: .token(.init(Array(token.utf8))))
    }

    /// A client with a fixed token.
    func client() throws -> KubernetesClient { try KubernetesClient(configuration()) }

    /// Serves for the length of `body`.
    static func run(
        asksForCertificate: Bool = false, _ script: @escaping Script,
        _ body: @escaping @Sendable (ScriptedServer) async throws -> Void
    ) async throws {
        let authority = try LoopbackAuthority()
        var configuration = try authority.serverConfiguration()
        if asksForCertificate {
            configuration.certificateVerification = .noHostnameVerification
            let anchor = try NIOSSLCertificate(bytes: Array(authority.certificatePEM.utf8), format: .pem)
            configuration.trustRoots = .certificates([anchor])
        }
        let tls = configuration
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let received = Received()
        var logger = Logger(label: "scripted-server")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in
                let content = try await request.body.collect(upTo: 1_048_576)
                let headers = request.headers.map { ($0.name.rawName.lowercased(), $0.value) }
                let query = request.uri.queryParameters.map { (String($0.key), String($0.value)) }
                let call = Call(
                    method: request.method.rawValue, path: request.uri.path,
                    query: Dictionary(query) { first, _ in first }, headers: Dictionary(headers) { first, _ in first },
                    body: Array(content.readableBytesView))
                received.calls.withLock { $0.append(call) }
                return try await script(call)
            },
            server: HTTPServerBuilder {
                DroppableChannel(try TLSChannel(HTTP1Channel(responder: $0), tlsConfiguration: tls))
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await application.run()
                return false
            }
            group.addTask {
                for await port in ports {
                    try await body(ScriptedServer(authority: authority, port: port, received: received))
                    return true
                }
                return false
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next() {
                if isDone { return }
            }
        }
    }
}

extension Response {
    /// A good answer of JSON.
    static func json(_ text: String) -> Response { .json(200, text) }

    /// An answer of JSON.
    static func json(_ status: Int, _ text: String, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// A failure as the API server tells it.
    static func failure(_ code: Int, _ reason: String, details: String = "{}", headers: HTTPFields = [:]) -> Response {
        .json(code, ScriptedServer.status(code, reason, details: details), headers: headers)
    }

    /// A watch of what `write` writes.
    static func watch(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            body: ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            })
    }

    /// A watch of these bytes, which ends in good order.
    static func watch(_ text: String) -> Response {
        .watch { try await $0.write(ByteBuffer(string: text)) }
    }
}

extension ScriptedServer {
    static func status(_ code: Int, _ reason: String, details: String = "{}") -> String {
        #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"it was \#(reason)","reason":"\#(reason)","#
            + #""details":\#(details),"code":\#(code)}"#
    }

    static func pod(_ name: String, version: Int, extra: String = "") -> String {
        #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"\#(name)","namespace":"a","resourceVersion":"\#(version)"}\#(extra)}"#
    }

    static func event(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# + "\n" }
}
