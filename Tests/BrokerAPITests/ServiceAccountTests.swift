import Broker
import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import RATS
import Telemetry
import Testing

@testable import BrokerAPI

@Suite("Service accounts of a cluster as administrators", .timeLimit(.minutes(5)))
struct ServiceAccountTests {
    private static let subject = "system:serviceaccount:claviger:controller"

    /// A cluster whose keys stand in a file, and a gate for it.
    private struct Cluster {
        let key: SigningKey
        let folder: URL
        let clock = TestClock()
        let gate: AdminGate

        init() throws {
            key = try SigningKey.generate(.es256)
            folder = FileManager.default.temporaryDirectory.appending(path: "claviger-cluster-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let file = folder.appending(path: "keys.json")
            try Self.write([key], to: file)
            var configuration = AdminConfiguration()
            configuration.mode = .authenticated
            configuration.identityProviders = [
                IdentityProviderConfiguration(
                    issuer: "https://cluster.test", audience: "claviger", jwkSetFile: file.path,
                    kubernetes: KubernetesIdentityConfiguration(roles: [.init(subject: subject, role: "controller")]))
            ]
            configuration.accessList = [
                AccessRuleConfiguration(
                    role: "controller", allowedEndpoints: "^/claviger/v1/sources/east/policies$", methods: ["PUT"]),
                AccessRuleConfiguration(
                    role: "controller", allowedEndpoints: "^/claviger/v1/policies/status$", methods: ["GET"]),
                AccessRuleConfiguration(role: "admin", allowedEndpoints: "^/kbs/.+$"),
            ]
            gate = try AdminGate(configuration, clock: clock.wallClock)
        }

        static func write(_ keys: [SigningKey], to file: URL) throws {
            try Data(set(keys).serialized()).write(to: file)
        }

        static func set(_ keys: [SigningKey]) -> JSONObject {
            [
                "keys": .array(
                    keys.enumerated().map { index, key in
                        var jwk = key.publicJWK
                        jwk["kid"] = .string("key-\(index)")
                        return .object(jwk)
                    })
            ]
        }

        func token(_ change: (inout JSONObject) -> Void = { _ in }, kid: String = "key-0") throws -> String {
            try ServiceAccountTests.token(key, at: clock.now, issuer: "https://cluster.test", kid: kid, change)
        }

        func admit(_ token: String) async throws -> AdminPrincipal {
            try await gate.admit(bearer: token, method: "GET", target: "/claviger/v1/policies/status")
        }

        func refusal(_ token: String) async -> AdminRefusal? {
            do throws(AdminRefusal) {
                _ = try await gate.admit(bearer: token, method: "GET", target: "/claviger/v1/policies/status")
                return nil
            } catch {
                return error
            }
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    /// A token as a cluster makes it for a pod.
    private static func token(
        _ key: SigningKey, at now: Date, issuer: String, kid: String, _ change: (inout JSONObject) -> Void = { _ in }
    ) throws -> String {
        let seconds = Int64(now.timeIntervalSince1970)
        var claims: JSONObject = [
            "iss": .string(issuer), "sub": .string(subject), "aud": ["claviger"], "iat": .int(seconds),
            "nbf": .int(seconds), "exp": .int(seconds + 3_600), "jti": "1",
            "kubernetes.io": [
                "namespace": "claviger", "serviceaccount": ["name": "controller", "uid": "u1"],
                "pod": ["name": "controller-7f", "uid": "u2"],
            ],
        ]
        change(&claims)
        return try JWS.sign(header: ["kid": .string(kid)], payload: claims.serialized(), with: key)
    }

    @Test("a pod's token has the role that its service account was given, and the pod is recorded with it")
    func admitted() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let principal = try await cluster.admit(try cluster.token())
        #expect(principal.role == "controller" && principal.subject == Self.subject)
        #expect(
            principal.recordedName
                == "\(Self.subject)@https://cluster.test (controller) in pod claviger/controller-7f/u2")
    }

    @Test("A48: a token's own role claim counts for nothing")
    func ownRole() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let token = try cluster.token { $0["role"] = "admin" }
        #expect(try await cluster.admit(token).role == "controller")
        await #expect(throws: AdminRefusal.roleNotAllowed(role: "controller", path: "/kbs/v0/reference-value")) {
            try await cluster.gate.admit(bearer: token, method: "GET", target: "/kbs/v0/reference-value")
        }
    }

    @Test(
        "a token that is not exactly that of the named service account for this broker is refused",
        arguments: [
            ("audience", "wrong_audience"), ("no audience", "wrong_audience"), ("issuer", "admin_token_unknown_signer"),
            ("expired", "expired"), ("no expiry", "missing_expiration"), ("long", "admin_token_lives_too_long"),
            ("early", "not_yet_valid"), ("namespace", "service_account_not_allowed"),
            ("mixed", "admin_token_subject"), ("unbound", "admin_token_unbound"),
            ("attestation", "admin_token_is_attestation"), ("no subject", "admin_token_unbound"),
        ])
    func refused(_ kind: String, _ code: String) async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let now = Int64(cluster.clock.now.timeIntervalSince1970)
        let token = try cluster.token { claims in
            switch kind {
            case "audience": claims["aud"] = ["https://kubernetes.default.svc"]
            case "no audience": claims["aud"] = nil
            case "issuer": claims["iss"] = "https://other.test"
            case "expired": claims["exp"] = .int(now - 61)
            case "no expiry": claims["exp"] = nil
            case "long": claims["exp"] = .int(now + 90_000)
            case "early": claims["nbf"] = .int(now + 120)
            case "namespace":
                claims["sub"] = "system:serviceaccount:evil:controller"
                claims["kubernetes.io"] = ["namespace": "evil", "serviceaccount": ["name": "controller", "uid": "u"]]
            case "mixed":
                claims["kubernetes.io"] = ["namespace": "evil", "serviceaccount": ["name": "controller", "uid": "u"]]
            case "unbound": claims["kubernetes.io"] = nil
            case "attestation": claims["submods"] = ["cpu0": [:]]
            default: claims["sub"] = nil
            }
        }
        let refusal = try #require(await cluster.refusal(token))
        #expect(refusal.error(endpoint: "").code == code)
        #expect(refusal.error(endpoint: "").kind == (kind == "namespace" ? .denied : .unauthenticated))
    }

    @Test("A24: neither another algorithm, nor another key under the same name, nor no signature gets in")
    func algorithms() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let good = try cluster.token().split(separator: ".").map(String.init)
        let payload = good[1]
        var forged = ["none", "HS256", "RS256", "EdDSA"].map { algorithm in
            let header: JSONObject = ["alg": .string(algorithm), "kid": "key-0"]
            return "\(Base64.encodeURL(header.serialized())).\(payload).\(algorithm == "none" ? "" : good[2])"
        }
        for algorithm: SignatureAlgorithm in [.es256, .edDSA, .es384] {
            let stranger = try SigningKey.generate(algorithm)
            forged.append(
                try Self.token(stranger, at: cluster.clock.now, issuer: "https://cluster.test", kid: "key-0"))
        }
        forged.append(try cluster.token(kid: "key-9"))
        for token in forged {
            #expect(await cluster.refusal(token)?.error(endpoint: "").kind == .unauthenticated)
        }
    }

    @Test("keys in a file are read again when a token names another one, at most once a minute")
    func fileRotation() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let next = try SigningKey.generate(.es256)
        func admitted() async throws -> Bool {
            let token = try Self.token(next, at: cluster.clock.now, issuer: "https://cluster.test", kid: "key-1")
            return await cluster.refusal(token) == nil
        }
        #expect(try await !admitted())
        try Cluster.write([cluster.key, next], to: cluster.folder.appending(path: "keys.json"))
        #expect(try await !admitted())
        cluster.clock.advance(by: 61)
        #expect(try await admitted())
    }

    // MARK: - Discovery

    private func gate(
        _ server: IssuerServer, clock: TestClock, tokenFile: String? = nil,
        metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> AdminGate {
        var configuration = AdminConfiguration()
        configuration.mode = .authenticated
        configuration.identityProviders = [
            IdentityProviderConfiguration(
                issuer: server.issuer, audience: "claviger",
                kubernetes: KubernetesIdentityConfiguration(
                    roles: [.init(subject: Self.subject, role: "controller")], discovers: true,
                    certificateFile: server.certificate.certificateFile.path, tokenFile: tokenFile))
        ]
        configuration.accessList = [AccessRuleConfiguration(role: "controller", allowedEndpoints: "^/claviger/.+$")]
        return try AdminGate(configuration, clock: clock.wallClock, metrics: metrics)
    }

    private func isAdmitted(
        _ gate: AdminGate, _ server: IssuerServer, _ clock: TestClock, key: SigningKey, kid: String
    ) async throws -> Bool {
        let token = try Self.token(key, at: clock.now, issuer: server.issuer, kid: kid)
        return (try? await gate.admit(bearer: token, method: "GET", target: "/claviger/v1/whoami")) != nil
    }

    @Test("the issuer is asked once for all who wait, not for each token, and at most once a minute for unknown keys")
    func discovery() async throws {
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.es384)]
        try await IssuerServer.run([keys[0]]) { server in
            let clock = TestClock()
            let gate = try gate(server, clock: clock)
            let admitted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await isAdmitted(gate, server, clock, key: keys[0], kid: "key-0") }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 20)
            #expect(server.keyRequests == 1)
            server.state.withLock { $0.keys = keys }
            for _ in 0..<5 { #expect(try await !isAdmitted(gate, server, clock, key: keys[1], kid: "key-1")) }
            #expect(server.keyRequests == 1)
            clock.advance(by: 61)
            #expect(try await isAdmitted(gate, server, clock, key: keys[1], kid: "key-1"))
            #expect(server.keyRequests == 2)
        }
    }

    @Test("while the issuer cannot be reached the keys that were read stay, and afterwards it is asked again")
    func unreachable() async throws {
        let keys = [try SigningKey.generate(.es256), try SigningKey.generate(.es256)]
        try await IssuerServer.run([keys[0]]) { server in
            let clock = TestClock()
            let gate = try gate(server, clock: clock)
            #expect(try await isAdmitted(gate, server, clock, key: keys[0], kid: "key-0"))
            server.state.withLock { $0.isDown = true }
            clock.advance(by: 61)
            #expect(try await !isAdmitted(gate, server, clock, key: keys[1], kid: "key-1"))
            #expect(try await isAdmitted(gate, server, clock, key: keys[0], kid: "key-0"))
            server.state.withLock { ($0.isDown, $0.keys) = (false, keys) }
            clock.advance(by: 61)
            #expect(try await isAdmitted(gate, server, clock, key: keys[1], kid: "key-1"))
        }
    }

    @Test("keys that nobody could read anew for a day are not believed any more, and a metric tells how old they are")
    func tooOld() async throws {
        let key = try SigningKey.generate(.es256)
        try await IssuerServer.run([key]) { server in
            let (clock, metrics) = (TestClock(), MetricsRegistry())
            let gate = try gate(server, clock: clock, metrics: metrics)
            func isAdmitted() async throws -> Bool {
                try await self.isAdmitted(gate, server, clock, key: key, kid: "key-0")
            }
            func age() -> Double? {
                let line = metrics.prometheusText().split(separator: "\n").first {
                    $0.hasPrefix("claviger_issuer_keys_read_timestamp_seconds{")
                }
                return line?.split(separator: " ").last.flatMap { Double($0) }
                    .map { clock.now.timeIntervalSince1970 - $0 }
            }
            #expect(try await isAdmitted())
            #expect(age() ?? -1 < 1)
            server.state.withLock { $0.isDown = true }
            clock.advance(by: 86_000)
            #expect(try await isAdmitted())
            #expect(age() ?? 0 >= 85_999)
            clock.advance(by: 500)
            #expect(try await !isAdmitted())
            server.state.withLock { $0.isDown = false }
            clock.advance(by: 61)
            #expect(try await isAdmitted())
            #expect(age() ?? -1 < 1)
        }
    }

    @Test("the issuer's document must be its own, and its keys are asked for at the issuer and nowhere else")
    func document() async throws {
        let key = try SigningKey.generate(.es256)
        try await IssuerServer.run([key]) { server in
            let clock = TestClock()
            let gate = try gate(server, clock: clock)
            server.state.withLock { $0.issuer = "https://other.test" }
            #expect(try await !isAdmitted(gate, server, clock, key: key, kid: "key-0"))
            #expect(server.keyRequests == 0)
            server.state.withLock { state in
                state.issuer = nil
                state.keysAddress = "https://attacker.test/openid/v1/jwks"
            }
            clock.advance(by: 61)
            #expect(try await isAdmitted(gate, server, clock, key: key, kid: "key-0"))
        }
    }

    @Test("a server with a certificate of another authority is not believed, and gets no token")
    func pinned() async throws {
        let key = try SigningKey.generate(.es256)
        try await IssuerServer.run([key]) { server in
            let clock = TestClock()
            let gate = try gate(server, clock: clock)
            let stranger = try TestCertificate()
            defer { stranger.remove() }
            try FileManager.default.removeItem(at: server.certificate.certificateFile)
            try FileManager.default.copyItem(at: stranger.certificateFile, to: server.certificate.certificateFile)
            #expect(try await !isAdmitted(gate, server, clock, key: key, kid: "key-0"))
            #expect(server.state.withLock { $0.requests } == [])
        }
    }

    @Test("an issuer that wants a token gets the one in the file as it is now")
    func token() async throws {
        let key = try SigningKey.generate(.es256)
        try await IssuerServer.run([key]) { server in
            let clock = TestClock()
            let file = server.certificate.folder.appending(path: "token")
            try Data("old\n".utf8).write(to: file)
            server.state.withLock { $0.token = "new" }
            let gate = try gate(server, clock: clock, tokenFile: file.path)
            #expect(try await !isAdmitted(gate, server, clock, key: key, kid: "key-0"))
            try Data("new\n".utf8).write(to: file)
            clock.advance(by: 61)
            #expect(try await isAdmitted(gate, server, clock, key: key, kid: "key-0"))
        }
    }

    @Test("a token of another issuer is no reason to ask this one")
    func foreignTokens() async throws {
        let key = try SigningKey.generate(.es256)
        try await IssuerServer.run([key]) { server in
            let clock = TestClock()
            let gate = try gate(server, clock: clock)
            let token = try Self.token(key, at: clock.now, issuer: "https://other.test", kid: "key-0")
            await #expect(throws: AdminRefusal.self) {
                try await gate.admit(bearer: token, method: "GET", target: "/claviger/v1/whoami")
            }
            #expect(server.state.withLock { $0.requests } == [])
        }
    }
}
