import Hummingbird
import Kubernetes
import KubernetesTestSupport
import Synchronization
import Testing

@Suite("Credentials of a Kubernetes client", .timeLimit(.minutes(5)))
struct CredentialTests {
    private static let version = #"{"major":"1","minor":"36"}"#

    @Test("a renewed token is used after at most a minute, and read no more often while it serves")
    func rotation() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "first\n")
        try await ScriptedServer.run { _ in
            .json(Self.version)
        } _: { server in
            let clock = ManualClock()
            let client = try KubernetesClient(Self.configuration(server, folder), environment: .manual(clock))
            _ = try await client.version()
            try folder.write("token", "second\n")
            clock.advance(by: .seconds(59))
            _ = try await client.version()
            clock.advance(by: .seconds(1))
            _ = try await client.version()
            #expect(
                server.calls.map { $0.headers["authorization"] } == ["Bearer first", "Bearer first", "Bearer second"])
        }
    }

    @Test("a refused token is read anew at once, one time", arguments: [false, true])
    func refused(isWatch: Bool) async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "first")
        try await ScriptedServer.run { call in
            guard call.headers["authorization"] == "Bearer second" else { return .failure(401, "Unauthorized") }
            return isWatch ? .watch("") : .json(Self.version)
        } _: { server in
            @Sendable func use(_ client: KubernetesClient) async throws(KubernetesError) {
                if isWatch {
                    _ = try await client.watch(.pods, namespace: nil, WatchOptions())
                } else {
                    _ = try await client.version()
                }
            }
            let client = try KubernetesClient(Self.configuration(server, folder), environment: .manual(ManualClock()))
            let failure = await #expect(throws: KubernetesError.self) { try await use(client) }
            #expect(failure?.kind == .unauthorized)
            #expect(failure.map { !String(reflecting: $0).contains("first") } == true)
            // A token that is refused is not sent again as it was.
            #expect(server.calls.count == 1)
            try folder.write("token", "second")
            try await use(client)
            #expect(server.calls.count == 3)
            let fixed = try server.client()
            let final = await #expect(throws: KubernetesError.self) { try await use(fixed) }
            #expect(final?.kind == .unauthorized)
            #expect(server.calls.count == 4)
        }
    }

    @Test("a token file that is gone or empty for a moment does not stop a client that has a token")
    func gap() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "first")
        try await ScriptedServer.run { _ in
            .json(Self.version)
        } _: { server in
            let clock = ManualClock()
            let client = try KubernetesClient(Self.configuration(server, folder), environment: .manual(clock))
            for content in ["", "\n", "two words"] {
                try folder.write("token", content)
                clock.advance(by: .seconds(61))
                _ = try await client.version()
            }
            #expect(server.calls.allSatisfy { $0.headers["authorization"] == "Bearer first" })
            let failure = #expect(throws: KubernetesError.self) {
                try KubernetesClient(Self.configuration(server, folder))
            }
            #expect(failure?.kind == .configuration)
            #expect(failure.map { !$0.message.contains("two words") } == true)
        }
    }

    @Test("a changed authority is noticed at once when the server is no longer trusted, and no running watch is harmed")
    func authority() async throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "t")
        let (orders, order) = AsyncStream<Void>.makeStream()
        try await ScriptedServer.run { call in
            guard call.query["watch"] != nil else { return .json(Self.version) }
            return .watch { writer in
                for number in 1...2 {
                    let pod = ScriptedServer.pod("x", version: number)
                    try await writer.write(ByteBuffer(string: ScriptedServer.event("ADDED", pod)))
                    for await _ in orders { break }
                }
            }
        } _: { server in
            try folder.write("ca.crt", server.authority.certificatePEM)
            let clock = ManualClock()
            let configuration = try KubernetesConfiguration(
                server: server.url, authority: .file("\(folder.path)/ca.crt"),
                credential: .tokenFile("\(folder.path)/token"))
            let client = try KubernetesClient(configuration, environment: .manual(clock))
            var events = try await client.watch(.pods, namespace: nil, WatchOptions()).makeAsyncIterator()
            #expect(try await events.next()?.resourceVersion == "1")
            try folder.write("ca.crt", try LoopbackAuthority().certificatePEM)
            clock.advance(by: .seconds(61))
            let failure = await #expect(throws: KubernetesError.self) { try await client.version() }
            #expect(failure?.reason == "tls")
            try folder.write("ca.crt", server.authority.certificatePEM)
            _ = try await client.version()
            order.yield()
            #expect(try await events.next()?.resourceVersion == "2")
            order.yield()
            #expect(try await events.next() == nil)
        }
    }

    @Test("a client certificate is shown to a server that asks for one")
    func certificate() async throws {
        let folder = try TemporaryFolder()
        try await ScriptedServer.run(asksForCertificate: true) { _ in
            .json(Self.version)
        } _: { server in
            let user = try server.authority.client("admin")
            let key = String(decoding: user.keyPEM.copyBytes(), as: UTF8.self)
            try folder.write("client.crt", user.certificate.pem)
            try folder.write("client.key", key)
            let authority = KubernetesConfiguration.Authority.pem(server.authority.certificatePEM)
            for certificate in [
                KubernetesConfiguration.Certificate(chain: .pem(user.certificate.pem), key: user.keyPEM),
                .init(chain: .file("\(folder.path)/client.crt"), keyFile: "\(folder.path)/client.key"),
            ] {
                let configuration = try KubernetesConfiguration(
                    server: server.url, authority: authority, credential: .certificate(certificate))
                #expect(try await KubernetesClient(configuration).version().minor == 36)
                var description = ""
                dump(configuration, to: &description)
                #expect(!description.contains(key.prefix(60)))
            }
            #expect(server.calls.allSatisfy { $0.headers["authorization"] == nil })
            let stranger = try server.client()
            await #expect(throws: KubernetesError.self) { try await stranger.version() }
        }
    }

    private static func configuration(
        _ server: ScriptedServer, _ folder: TemporaryFolder
    ) throws -> KubernetesConfiguration {
        try KubernetesConfiguration(
            server: server.url, authority: .pem(server.authority.certificatePEM),
            credential: .tokenFile("\(folder.path)/token"))
    }
}
