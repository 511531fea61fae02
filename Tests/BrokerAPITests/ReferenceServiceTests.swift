import BrokerTestSupport
import Encodings
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import GRPCProtobuf
import SwiftProtobuf
import Testing

@testable import Broker
@testable import BrokerAPI

@Suite("The gRPC service of reference values")
struct ReferenceServiceTests {
    private struct Caller: Sendable {
        let client: GRPCClient<HTTP2ClientTransport.Posix>

        private func call<Input: SwiftProtobuf.Message, Output: SwiftProtobuf.Message>(
            _ method: String, _ input: Input, token: String?
        ) async throws -> Output {
            var metadata = Metadata()
            if let token { metadata.addString("Bearer \(token)", forKey: "authorization") }
            return try await client.unary(
                request: ClientRequest(message: input, metadata: metadata),
                descriptor: MethodDescriptor(
                    fullyQualifiedService: "reference.ReferenceValueProviderService", method: method),
                serializer: ProtobufSerializer<Input>(), deserializer: ProtobufDeserializer<Output>(),
                options: .defaults
            ) { try $0.message }
        }

        /// The value as JSON text; nil when the service says that there is none.
        func query(_ name: String, token: String?) async throws -> String? {
            var request = Reference_ReferenceValueQueryRequest()
            request.referenceValueID = name
            let response: Reference_ReferenceValueQueryResponse = try await call(
                "QueryReferenceValue", request, token: token)
            return response.hasReferenceValueResults ? response.referenceValueResults : nil
        }

        func register(_ message: String, token: String?) async throws {
            var request = Reference_ReferenceValueRegisterRequest()
            request.message = message
            let _: Reference_ReferenceValueRegisterResponse = try await call(
                "RegisterReferenceValue", request, token: token)
        }
    }

    private func withService(
        certificate: TestCertificate? = nil,
        _ body: @Sendable @escaping (Caller, TestAdministrator, TestBroker) async throws -> Void
    ) async throws {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        let test = try await TestBroker.make()
        let gate = try AdminGate(admin.configuration, clock: test.clock.wallClock)
        var transport = TransportConfiguration()
        transport.certificateFile = certificate?.certificateFile.path
        transport.keyFile = certificate?.keyFile.path
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let server = ReferenceValueServer(
            ReferenceValueService(broker: test.broker, gate: gate, logger: test.logs.logger()),
            on: try #require(ListenAddress("127.0.0.1:0")), transport: transport, maximumRequestBytes: 65_536,
            logger: test.logs.logger(), onListening: { announce.yield($0) })
        let running = Task { try await server.run() }
        defer { running.cancel() }
        let port = try #require(await ports.first { _ in true })
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            if let certificate {
                .tls { config in
                    config.trustRoots = .certificates([.file(path: certificate.certificateFile.path, format: .pem)])
                    // The address is that of this machine.
                    config.serverCertificateVerification = .noHostnameVerification
                }
            } else {
                .plaintext
            }
        let transportOfClient = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: security)
        try await withGRPCClient(transport: transportOfClient) { client in
            try await body(Caller(client: client), admin, test)
        }
    }

    private func code(_ body: () async throws -> Void) async throws -> RPCError.Code? {
        do {
            try await body()
            return nil
        } catch let error as RPCError {
            return error.code
        }
    }

    private static func message(_ values: JSONObject, type: String = "sample") -> String {
        let message: JSONValue = [
            "version": "0.1.0", "type": .string(type), "payload": .string(Base64.encode(values.serialized())),
        ]
        return message.serializedString()
    }

    @Test("KBS 6.3: values are registered and asked for; an unknown name has no result, and a bad message is aborted")
    func service() async throws {
        try await withService { caller, admin, test in
            let token = try admin.token()
            #expect(try await caller.query("svn", token: token) == nil)
            #expect(try await caller.query("__healthcheck__", token: token) == nil)
            try await caller.register(Self.message(["svn": ["1"], "a/b": 7]), token: token)
            #expect(try await caller.query("svn", token: token) == #"["1"]"#)
            #expect(try await caller.query("a/b", token: token) == "7")
            #expect(try await test.broker.referenceValue("svn") == ["1"])
            do {
                try await caller.register(Self.message(["svn": 1], type: "rpm"), token: token)
                Issue.record("a message of an unknown type was taken")
            } catch let error as RPCError {
                #expect(error.code == .aborted)
                #expect(error.message.hasPrefix("Register reference value: "))
                #expect(error.message.contains("Could not find extractor for rpm"))
            }
        }
    }

    @Test("A44: nobody is served without the token, and nobody beyond his role")
    func access() async throws {
        try await withService { caller, admin, test in
            let message = Self.message(["svn": ["1"]])
            let stranger = try TestAdministrator()
            defer { stranger.remove() }
            for token in [nil, "no.token", try stranger.token(), try admin.token(audience: ["other"])] {
                #expect(try await code { try await caller.register(message, token: token) } == .unauthenticated)
                #expect(try await code { _ = try await caller.query("svn", token: token) } == .unauthenticated)
            }
            let tester = try admin.token(role: "tester")
            #expect(try await code { try await caller.register(message, token: tester) } == .permissionDenied)
            #expect(try await code { _ = try await caller.query("svn", token: tester) } == nil)
            #expect(try await code { _ = try await caller.query("a/b", token: tester) } == .permissionDenied)
            #expect(try await code { _ = try await caller.query("a%2Fb", token: tester) } == .permissionDenied)
            #expect(try await test.broker.referenceValues().isEmpty)
        }
    }

    @Test("with a certificate the service is served over TLS")
    func secure() async throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        try await withService(certificate: certificate) { caller, admin, _ in
            let token = try admin.token()
            try await caller.register(Self.message(["svn": ["1"]]), token: token)
            #expect(try await caller.query("svn", token: token) == #"["1"]"#)
        }
    }

    @Test("the service is there when the configuration names an address, and not otherwise")
    func configured() throws {
        #expect(try BrokerConfiguration(yaml: "{}", source: "a").referenceValues.listen == nil)
        let yaml = "referenceValues: {listen: \"127.0.0.1:50003\", requireSignatures: true}"
        let settings = try BrokerConfiguration(yaml: yaml, source: "a").referenceValues
        #expect(settings.listen == "127.0.0.1:50003" && settings.requiresSignatures)
        #expect(throws: ConfigurationError.self) {
            _ = try BrokerConfiguration(yaml: "referenceValues: {listen: nowhere}", source: "a")
        }
    }
}
