import Encodings
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import GRPCProtobuf
import Guest
import GuestTestSupport
import HTTPTransport
import KBSProtocol
import Logging
import Testing

import struct HTTPTransport.HTTPRequest

@testable import GuestAPI

@Suite("The servers", .timeLimit(.minutes(5)))
struct ServerTests {
    static let quiet = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static func socketPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "ga-\(UUID().uuidString.prefix(8)).sock").path
    }

    /// Runs a server until the body is done; the body gets the port.
    static func serving<T: Sendable>(
        _ run: @Sendable @escaping (@escaping @Sendable (Int?) async -> Void) async throws -> Void,
        _ body: @Sendable @escaping (Int?) async throws -> T
    ) async throws -> T {
        let (ports, announce) = AsyncStream<Int?>.makeStream()
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await run { announce.yield($0) }
                return nil
            }
            group.addTask {
                for await port in ports { return try await body(port) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    @Test("the REST face serves a loopback port")
    func restOverTCP() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let agent = try TestAgent(url)
            try await Self.serving { announce in
                try await RESTServer(
                    agent.face, on: ListenAddress("127.0.0.1:0"), logger: Self.quiet, onListening: announce
                )
                .run()
            } _: { port in
                let http = try HTTPClient(configuration: .init(systemTrust: false, insecureHTTPAllowed: true))
                let address = "http://127.0.0.1:\(try #require(port))"
                let response = try await http.send(HTTPRequest(url: address + "/cdh/resource/a/b/c"))
                #expect(response.status == 200 && response.body == Array("secret".utf8))
                #expect(response.header("Cache-Control") == "no-store")
                #expect(response.header("Content-Type") == "application/octet-stream")
                let large = HTTPRequest(
                    method: "POST", url: address + "/aa/aael", body: [UInt8](repeating: 32, count: 100_000))
                #expect(try await http.send(large).status == 413)
                let rebound = HTTPRequest(
                    url: address + "/cdh/resource/a/b/c", headers: [(name: "Host", value: "evil.example")])
                #expect(try await http.send(rebound).status == 403)
            }
        }
    }

    @Test("the REST face serves a Unix socket, replaces a stale one, and closes it to others")
    func restOverUnixSocket() async throws {
        let path = Self.socketPath()
        defer { unlink(path) }
        for _ in 0..<2 {
            let agent = try TestAgent(RESTFaceTests.nowhere)
            try await Self.serving { announce in
                try await RESTServer(agent.face, on: .unix(path: path), logger: Self.quiet, onListening: announce).run()
            } _: { _ in
                let response = try await HTTPClient().send(
                    HTTPRequest(url: "http://localhost/healthz", unixSocket: path))
                #expect(response.status == 200)
                var status = stat()
                #expect(lstat(path, &status) == 0 && status.st_mode & 0o007 == 0)
            }
            // What a killed agent leaves behind.
            unlink(path)
            let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0)
            close(left)
        }
    }

    /// Calls the key provider as ocicrypt does.
    static func call(
        _ method: String, _ request: [UInt8], at target: any ResolvableTarget
    ) async throws -> [UInt8] {
        let transport = try HTTP2ClientTransport.Posix(target: target, transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { client in
            var input = Keyprovider_KeyProviderKeyWrapProtocolInput()
            input.keyProviderKeyWrapProtocolInput = Data(request)
            return try await client.unary(
                request: ClientRequest(message: input),
                descriptor: MethodDescriptor(
                    service: ServiceDescriptor(fullyQualifiedService: "keyprovider.KeyProviderService"), method: method),
                serializer: ProtobufSerializer<Keyprovider_KeyProviderKeyWrapProtocolInput>(),
                deserializer: ProtobufDeserializer<Keyprovider_KeyProviderKeyWrapProtocolOutput>(), options: .defaults
            ) { Array(try $0.message.keyProviderKeyWrapProtocolOutput) }
        }
    }

    @Test("a file that is no socket is not replaced by one")
    func fileInTheWay() async throws {
        let path = Self.socketPath()
        defer { unlink(path) }
        try Data("keep".utf8).write(to: URL(filePath: path))
        let agent = try TestAgent(RESTFaceTests.nowhere)
        await #expect(throws: (any Error).self) {
            try await RESTServer(agent.face, on: .unix(path: path), logger: Self.quiet).run()
        }
        await #expect(throws: (any Error).self) {
            try await KeyProviderServer(
                ImageKeys(keys: DecidedResources(agent.cache)), on: .unix(path: path), logger: Self.quiet
            ).run()
        }
        #expect(FileManager.default.contents(atPath: path) == Data("keep".utf8))
    }

    @Test("GC 65: recorded requests are answered over gRPC, on a port and on a Unix socket", arguments: [true, false])
    func keyProvider(overTCP: Bool) async throws {
        let kek = try Vectors.bytes("kek.bin")
        let layer = try #require(try Vectors.json("unwrap-vectors.json")[pointer: "/layers/0"])
        let path = Self.socketPath()
        defer { unlink(path) }
        try await FakeKBS.run { broker, url in
            broker.put("default/image-kek/proof-1", kek)
            let agent = try TestAgent(url)
            let images = ImageKeys(keys: DecidedResources(agent.cache))
            try await Self.serving { announce in
                try await KeyProviderServer(
                    images, on: overTCP ? ListenAddress("127.0.0.1:0") : .unix(path: path), logger: Self.quiet,
                    onListening: announce
                ).run()
            } _: { port in
                let target: any ResolvableTarget =
                    overTCP ? .ipv4(address: "127.0.0.1", port: try #require(port)) : .unixDomainSocket(path: path)
                let request = try #require(layer["unwrap_input_from_go_ocicrypt"]).serialized()
                let answer = try JSONValue(parsing: await Self.call("UnWrapKey", request, at: target))
                let bytes = try #require(answer[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue)
                #expect(try JSONValue(parsing: bytes) == layer["optsdata"])

                await #expect { try await Self.call("WrapKey", Array("{}".utf8), at: target) } throws: {
                    ($0 as? RPCError)?.code == .unimplemented
                }
                broker.script("resource/default/image-kek/proof-1", .denied)
                await #expect { try await Self.call("UnWrapKey", request, at: target) } throws: {
                    guard let error = $0 as? RPCError else { return false }
                    return error.code == .internalError && error.message.contains("denied")
                        && error.message.contains("condition_false")
                        && error.message.contains("claviger explain 0193-deny")
                }
                #expect(broker.attestations == 1)
            }
        }
    }

    @Test("WrapKey over gRPC registers the key and UnWrapKey opens the packet")
    func wrapAndUnwrap() async throws {
        let tokenFile = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        try Data("admin-token".utf8).write(to: tokenFile)
        defer { try? FileManager.default.removeItem(at: tokenFile) }
        let options = Array(#"{"symkey":"c3lt"}"#.utf8)
        let request = JSONValue.object([
            "op": "keywrap",
            "keywrapparams": [
                "ec": [
                    "Parameters": [
                        "attestation-agent": [.string(Base64.encode(Array("keyid=/default/image-kek/c".utf8)))]
                    ]
                ],
                "optsdata": .string(Base64.encode(options)),
            ],
        ])
        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let images = ImageKeys(
                keys: DecidedResources(agent.cache),
                registrar: AdminKeyRegistrar(client: agent.client, tokenFile: tokenFile.path))
            try await Self.serving { announce in
                try await KeyProviderServer(
                    images, on: ListenAddress("127.0.0.1:0"), logger: Self.quiet, onListening: announce
                ).run()
            } _: { port in
                let target: any ResolvableTarget = .ipv4(address: "127.0.0.1", port: try #require(port))
                let wrapped = try JSONValue(parsing: await Self.call("WrapKey", request.serialized(), at: target))
                let packet = try #require(wrapped[pointer: "/keywrapresults/annotation"]?.byteArrayValue)
                #expect(broker.resource("default/image-kek/c")?.count == 32)
                let unwrap = JSONValue.object([
                    "keyunwrapparams": ["annotation": .string(Base64.encode(packet))]
                ])
                let opened = try JSONValue(parsing: await Self.call("UnWrapKey", unwrap.serialized(), at: target))
                #expect(opened[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue == options)

                let oversized = [UInt8](repeating: 32, count: KeyProviderServer.maximumRequestBytes + 1)
                await #expect { try await Self.call("UnWrapKey", oversized, at: target) } throws: {
                    // The server may cut the stream before the client has read why.
                    [.resourceExhausted, .unavailable].contains(($0 as? RPCError)?.code)
                }
            }
        }
    }

    @Test("the key provider does not listen where others could connect")
    func localOnly() throws {
        let images = ImageKeys(keys: ResourceCache(try TestAgent(RESTFaceTests.nowhere).client))
        #expect(throws: ListenAddressError.self) {
            try KeyProviderServer(images, on: ListenAddress("0.0.0.0:0"), logger: Self.quiet)
        }
    }
}
