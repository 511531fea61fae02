import Broker
import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import RATS
import Synchronization

@testable import BrokerAPI

/// A broker that serves HTTP on a free port of this machine, with an administrator who may do everything.
struct RunningBroker: Sendable {
    let test: TestBroker
    let port: Int
    let admin: TestAdministrator
    let isSecure: Bool

    /// Starts a server, runs `body`, and stops the server.
    static func serve<Result: Sendable>(
        policies: String? = TestPolicies.appraisal, nonce: String? = nil, certificate: TestCertificate? = nil,
        inspectors: [any CollateralInspector] = [],
        configure: (inout BrokerConfiguration) -> Void = { _ in },
        _ body: @Sendable (RunningBroker) async throws -> Result
    ) async throws -> Result {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        var settings = BrokerConfiguration()
        let test = try await TestBroker.make(policies: policies, inspectors: inspectors, nonce: nonce) {
            configuration in
            configuration.listen = ["127.0.0.1:0"]
            configuration.admin = admin.configuration
            if let certificate {
                configuration.transport.certificateFile = certificate.certificateFile.path
                configuration.transport.keyFile = certificate.keyFile.path
            } else {
                configuration.transport.insecurePlaintext = true
            }
            configure(&configuration)
            settings = configuration
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try BrokerServer(
            configuration: settings, broker: test.broker, metrics: test.metrics, logger: test.logs.logger(),
            clock: test.clock.wallClock, onListening: { continuation.yield($0.port) })
        let task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        defer { task.cancel() }
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw CancellationError()
        }
        return try await body(
            RunningBroker(test: test, port: port, admin: admin, isSecure: certificate != nil))
    }

    /// Sends a request exactly as given.
    func send(
        _ method: String, _ target: String, cookie: String? = nil, bearer: String? = nil,
        headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> Reply {
        var fields = headers
        if let cookie { fields.append(("Cookie", "kbs-session-id=\(cookie)")) }
        if let bearer { fields.append(("Authorization", "Bearer \(bearer)")) }
        return try await RawClient(port: port, isSecure: isSecure).send(method, target, headers: fields, body: body)
    }

    /// Sends a request as the administrator.
    func administrate(_ method: String, _ target: String, body: [UInt8]? = nil) async throws -> Reply {
        try await send(method, target, bearer: try admin.token(), body: body)
    }

    /// Runs the handshake over HTTP and returns the session cookie and the token.
    func attest(_ guest: SampleGuest) async throws -> (cookie: String, token: String) {
        let challenge = try await send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
        let nonce = challenge.json?["nonce"]?.stringValue ?? ""
        let answer = try await send(
            "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: try guest.attestation(nonce: nonce))
        guard answer.status == 200, let cookie = answer.sessionCookie, let token = answer.json?["token"]?.stringValue
        else { throw UnexpectedReply(reply: answer) }
        return (cookie, token)
    }
}

struct UnexpectedReply: Error {
    let reply: Reply
}

/// Somebody with a key that the broker trusts for admin tokens.
struct TestAdministrator: Sendable {
    let key: SigningKey
    let folder: URL

    init() throws {
        key = try SigningKey.generate(.edDSA)
        folder = FileManager.default.temporaryDirectory.appending(path: "claviger-admin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(key.publicPEM.utf8).write(to: keyFile)
    }

    var keyFile: URL { folder.appending(path: "admin.pem") }

    var configuration: AdminConfiguration {
        var configuration = AdminConfiguration()
        configuration.mode = .authenticated
        configuration.identityProviders = [
            IdentityProviderConfiguration(issuer: "issuer", audience: "kbs", publicKeyFile: keyFile.path)
        ]
        configuration.accessList = [
            AccessRuleConfiguration(role: "admin", allowedEndpoints: "^/kbs/.+$"),
            AccessRuleConfiguration(role: "admin", allowedEndpoints: "^/claviger/.+$"),
            AccessRuleConfiguration(role: "tester", allowedEndpoints: "^/kbs/v0/reference-value/[a-zA-Z0-9]+$"),
            AccessRuleConfiguration(role: "reader", allowedEndpoints: "^/claviger/v1/.+$", methods: ["GET"]),
        ]
        return configuration
    }

    func token(
        role: String? = "admin", issuer: String = "issuer", audience: JSONValue = ["kbs"], lifetime: Int64? = 300,
        header: JSONObject = ["typ": "JWT"], extra: JSONObject = [:], key other: SigningKey? = nil
    ) throws -> String {
        let now = Int64(Date().timeIntervalSince1970)
        var claims: JSONObject = ["iss": .string(issuer), "sub": "test", "aud": audience, "iat": .int(now)]
        if let role { claims["role"] = .string(role) }
        if let lifetime { claims["exp"] = .int(now + lifetime) }
        for (name, value) in extra { claims[name] = value }
        return try JWS.sign(header: header, payload: claims.serialized(), with: other ?? key)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
