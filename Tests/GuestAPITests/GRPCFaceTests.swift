import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import GRPCProtobuf
import Guest
import GuestTestSupport
import SwiftProtobuf
import Testing

@testable import GuestAPI

@Suite("The guest components' services over gRPC", .timeLimit(.minutes(5)))
struct GRPCFaceTests {
    /// A client of both programs' services on one Unix socket, in front of a scripted broker.
    private static func serving(
        _ body: @Sendable @escaping (GRPCTestClient, FakeKBS) async throws -> Void
    ) async throws {
        let path = ServerTests.socketPath()
        defer { unlink(path) }
        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let services = TTRPCServices.attestationAgent(
                client: agent.client, attester: SampleAttester(), logger: ServerTests.quiet
            ).merging(
                .confidentialDataHub(
                    resources: agent.cache, images: ImageKeys(keys: DecidedResources(agent.cache)),
                    logger: ServerTests.quiet))
            try await ServerTests.serving { announce in
                try await GuestGRPCServer(services, on: .unix(path: path), onListening: announce).run()
            } _: { _ in
                try await body(GRPCTestClient(path: path), broker)
            }
            var status = stat()
            #expect(lstat(path, &status) != 0 || status.st_mode & 0o007 == 0)
        }
    }

    @Test("evidence, tokens and resources are the same as over ttrpc")
    func answers() async throws {
        try await Self.serving { client, broker async throws in
            broker.put("default/key/1", Array("secret".utf8))
            let tee: AttestationAgent_GetTeeTypeResponse = try await client.call(
                "attestation_agent.AttestationAgentService", "GetTeeType", AttestationAgent_GetTeeTypeRequest())
            #expect(tee.tee == "sample")

            var wanted = AttestationAgent_GetEvidenceRequest()
            wanted.runtimeData = Data("hello".utf8)
            let evidence: AttestationAgent_GetEvidenceResponse = try await client.call(
                "attestation_agent.AttestationAgentService", "GetEvidence", wanted)
            #expect(String(decoding: evidence.evidence, as: UTF8.self).contains("aGVsbG8="))

            var request = Api_GetResourceRequest()
            request.resourcePath = "kbs:///default/key/1"
            let resource: Api_GetResourceResponse = try await client.call(
                "api.GetResourceService", "GetResource", request)
            #expect(resource.resource == Data("secret".utf8))
        }
    }

    @Test("failures have the status and the sentence that the guest components give")
    func failures() async throws {
        try await Self.serving { client, broker async throws in
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            var wanted = AttestationAgent_GetTokenRequest()
            wanted.tokenType = "kbs"
            #expect(
                await Self.refusal {
                    let _: AttestationAgent_GetTokenResponse = try await client.call(
                        "attestation_agent.AttestationAgentService", "GetToken", wanted)
                } == "internalError: [ERROR:attestation-agent] AA-KBC get token failed")
            #expect(
                await Self.refusal {
                    let _: Keyprovider_KeyProviderKeyWrapProtocolOutput = try await client.call(
                        "keyprovider.KeyProviderService", "WrapKey", Keyprovider_KeyProviderKeyWrapProtocolInput())
                } == "unimplemented: WrapKey not implemented.")
            await #expect { () async throws in
                let _: Api_GetResourceResponse = try await client.call(
                    "api.GetResourceService", "NoSuchMethod", Api_GetResourceRequest())
            } throws: {
                ($0 as? RPCError)?.code == .unimplemented
            }
        }
    }

    private static func refusal(_ call: () async throws -> Void) async -> String? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? RPCError).map { "\($0.code): \($0.message)" }
        }
    }

    @Test("an address that others can reach is refused")
    func reachable() throws {
        let services = TTRPCServices([])
        #expect(throws: ListenAddressError.self) {
            try GuestGRPCServer(services, on: ListenAddress("0.0.0.0:50002"))
        }
    }
}

/// Calls methods over gRPC on a Unix socket.
struct GRPCTestClient: Sendable {
    let path: String

    func call<Input: SwiftProtobuf.Message, Output: SwiftProtobuf.Message>(
        _ service: String, _ method: String, _ input: Input
    ) async throws -> Output {
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: path), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { client in
            try await client.unary(
                request: ClientRequest(message: input),
                descriptor: MethodDescriptor(fullyQualifiedService: service, method: method),
                serializer: ProtobufSerializer<Input>(), deserializer: ProtobufDeserializer<Output>(),
                options: .defaults
            ) { try $0.message }
        }
    }
}
