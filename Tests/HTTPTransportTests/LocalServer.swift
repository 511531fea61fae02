import Foundation
import HTTPServing
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOSSL
import Processes

/// A hummingbird server on an ephemeral port or a Unix socket, gone when the body returns.
struct LocalServer {
    enum Face { case plain, tls(TestCertificates), http2(TestCertificates) }

    let port: Int

    static func run<T: Sendable>(
        _ face: Face = .plain, unixSocket: String? = nil, routes: (Router<BasicRequestContext>) -> Void,
        _ body: @Sendable @escaping (LocalServer) async throws -> T
    ) async throws -> T {
        let router = Router()
        routes(router)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "local-server")
        logger.logLevel = .critical
        let application = Application(
            router: router, server: try builder(face),
            configuration: .init(
                address: unixSocket.map { .unixDomainSocket(path: $0) } ?? .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in announce.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body(LocalServer(port: port)) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private static func builder(_ face: Face) throws -> HTTPServerBuilder {
        switch face {
        case .plain:
            return HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) }
        case .tls(let certificates):
            let server = try certificates.server()
            return HTTPServerBuilder {
                DroppableChannel(try TLSChannel(HTTP1Channel(responder: $0), tlsConfiguration: server))
            }
        case .http2(let certificates):
            let server = try certificates.server()
            return HTTPServerBuilder {
                DroppableChannel(try HTTP2UpgradeChannel(tlsConfiguration: server, responder: $0))
            }
        }
    }
}

/// A fresh authority and a server certificate for 127.0.0.1 under it, made with the openssl command.
struct TestCertificates: Sendable {
    let authorityPEM: String
    private let certificatePEM: String
    private let keyPEM: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        try Self.openssl(
            ["req", "-x509", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"] + curve, in: folder)
        try Self.openssl(
            ["req", "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr"] + curve.dropLast(2),
            in: folder)
        try Data("subjectAltName=IP:127.0.0.1".utf8).write(to: folder.appending(path: "names"))
        try Self.openssl(
            [
                "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7",
                "-days", "2", "-extfile", "names", "-out", "server.pem",
            ], in: folder)
        authorityPEM = try String(contentsOf: folder.appending(path: "ca.pem"), encoding: .utf8)
        certificatePEM = try String(contentsOf: folder.appending(path: "server.pem"), encoding: .utf8)
        keyPEM = try String(contentsOf: folder.appending(path: "server.key"), encoding: .utf8)
    }

    func server() throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        return .makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem)))
    }

    private static func openssl(_ arguments: [String], in folder: URL) throws {
        var child = ChildProcess(path: "/usr/bin/openssl", arguments: arguments)
        child.directory = folder.path
        guard try child.run() == 0 else { throw OpenSSLFailed(arguments: arguments) }
    }

    struct OpenSSLFailed: Error { let arguments: [String] }
}
