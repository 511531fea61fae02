import Encodings
import Foundation
import Hummingbird
import HummingbirdTLS
import JOSE
import Logging
import NIOSSL
import Synchronization

/// The part of a cluster's API server that tells the keys of service-account tokens, over TLS on a free port.
final class IssuerServer: Sendable {
    struct State: Sendable {
        var keys: [SigningKey]
        var issuer: String?
        var keysAddress: String?
        var isDown = false
        var token: String?
        var requests: [String] = []
    }

    let certificate: TestCertificate
    let state: Mutex<State>
    private let port = Mutex(0)

    private init(_ keys: [SigningKey]) throws {
        certificate = try TestCertificate()
        state = Mutex(State(keys: keys))
    }

    var issuer: String { "https://127.0.0.1:\(port.withLock { $0 })" }

    /// How often the keys were asked for.
    var keyRequests: Int { state.withLock { $0.requests.count { $0.hasPrefix("/openid") } } }

    static func run(
        _ keys: [SigningKey], _ body: @Sendable @escaping (IssuerServer) async throws -> Void
    ) async throws {
        let server = try IssuerServer(keys)
        defer { server.certificate.remove() }
        let tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(server.certificate.certificateFile.path).map {
                .certificate($0)
            },
            privateKey: .privateKey(
                try NIOSSLPrivateKey(file: server.certificate.keyFile.path, format: .pem)))
        let router = Router()
        router.get("/**") { request, _ in server.answer(request) }
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "issuer")
        logger.logLevel = .critical
        let application = Application(
            router: router, server: try .tls(.http1(), tlsConfiguration: tls),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let running = Task { try await application.run() }
        defer { running.cancel() }
        for await port in ports {
            server.port.withLock { $0 = port }
            break
        }
        try await body(server)
    }

    private func answer(_ request: Request) -> Response {
        let path = request.uri.path
        let state = state.withLock { state in
            state.requests.append(path)
            return state
        }
        if state.isDown { return Response(status: .serviceUnavailable) }
        if let token = state.token, request.headers[.authorization] != "Bearer \(token)" {
            return Response(status: .unauthorized)
        }
        let body: JSONObject
        switch path {
        case "/.well-known/openid-configuration":
            body = [
                "issuer": .string(state.issuer ?? issuer),
                "jwks_uri": .string(state.keysAddress ?? "\(issuer)/openid/v1/jwks"),
            ]
        case "/openid/v1/jwks":
            body = [
                "keys": .array(
                    state.keys.enumerated().map { index, key in
                        var jwk = key.publicJWK
                        jwk["kid"] = .string("key-\(index)")
                        return .object(jwk)
                    })
            ]
        default: return Response(status: .notFound)
        }
        return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: body.serialized())))
    }
}
