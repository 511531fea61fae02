import Broker
import BrokerTestSupport
import Encodings
import Foundation
import NIOCore
import ServiceLifecycle
import Storage
import Telemetry
import TestSupport
import Testing

@testable import BrokerAPI

@Suite("Transport")
struct TransportTests {
    @Test("the whole handshake runs over TLS, and cookies are Secure")
    func tls() async throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        try await RunningBroker.serve(policies: policies, certificate: certificate) { server in
            try await server.test.put("a/b/c", "secret")
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            #expect(challenge.header("set-cookie")?.contains("; Secure") == true)
            let (cookie, _) = try await server.attest(SampleGuest())
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status == 200)
        }
    }

    @Test("HTTP/2 is negotiated and answers")
    func http2() async throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        try await RunningBroker.serve(certificate: certificate) { server in
            var client = RawClient(port: server.port, isSecure: true)
            client.applicationProtocols = ["h2"]
            let answer = try await client.exchange(HTTP2Request.get("/kbs/v0/nosuch/x")) { HTTP2Answer($0).isComplete }
            let parsed = HTTP2Answer(answer)
            #expect(parsed.isComplete)
            #expect(String(decoding: parsed.data, as: UTF8.self).contains("PluginNotFound"))
        }
    }

    @Test(
        "the program probes a health endpoint, over TLS when it is told whom to trust",
        .enabled(if: BrokerProcess.isBuilt, "claviger-broker is not built beside the tests"))
    func probe() async throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        try await RunningBroker.serve(certificate: certificate) { server async throws in
            let (base, authorities) = ("https://localhost:\(server.port)", certificate.certificateFile.path)
            #expect(
                try await BrokerProcess.status(of: "probe", "--timeout", "300", "\(base)/readyz", "--ca", authorities)
                    == 0)
            #expect(
                try await BrokerProcess.status(of: "probe", "--timeout", "300", "\(base)/nosuch", "--ca", authorities)
                    == 1)
            // Whoever did not attest is refused, and a probe can expect that.
            let resource = "\(base)/kbs/v0/resource/a/b/c"
            #expect(try await BrokerProcess.status(of: "probe", resource, "--ca", authorities, "--status", "401") == 0)
            #expect(
                try await BrokerProcess.status(of: "probe", "\(base)/readyz", "--ca", authorities, "--status", "401")
                    == 1)
            #expect(try await BrokerProcess.status(of: "probe", "\(base)/readyz") == 1)
            #expect(try await BrokerProcess.status(of: "probe", "\(base)/readyz", "--ca", "/nonexistent") == 1)
        }
        try await RunningBroker.serve { server async throws in
            #expect(
                try await BrokerProcess.status(
                    of: "probe", "--timeout", "300", "http://127.0.0.1:\(server.port)/healthz") == 0)
        }
    }

    @Test(
        "--check opens what the configuration names and says what would keep the broker from starting",
        .enabled(if: BrokerProcess.isBuilt, "claviger-broker is not built beside the tests"))
    func check() async throws {
        let (certificate, admin) = (try TestCertificate(), try TestAdministrator())
        defer {
            certificate.remove()
            admin.remove()
        }
        let folder = admin.folder.path
        try KeyEncryptionKeyRing.generate().write(toNewFile: folder + "/kek")
        let good = """
            keyEncryptionKeyFile: \(folder)/kek
            transport: {certificateFile: \(certificate.certificateFile.path), keyFile: \(certificate.keyFile.path)}
            database: {url: "postgresql://nowhere.invalid/x"}
            admin:
              mode: AuthenticatedAuthorization
              identityProviders: [{issuer: i, audience: a, publicKeyFile: \(admin.keyFile.path)}]
              accessList: [{role: admin, allowedEndpoints: "^/kbs/.+$"}]
            """
        func status(_ text: String) async throws -> Int32 {
            let file = folder + "/broker.yaml"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            return try await BrokerProcess.status(of: "--config", file, "--check")
        }
        #expect(try await status(good) == 0)
        for (from, to) in [
            (folder + "/kek", folder + "/none"), (folder + "/kek", admin.keyFile.path), ("^/kbs/.+$", "^/kbs/(.+$"),
            ("^/kbs/.+$", "^/elsewhere$"), (admin.keyFile.path, folder + "/none"),
            (admin.keyFile.path, folder + "/kek"),
            (certificate.keyFile.path, folder + "/none"), (certificate.certificateFile.path, certificate.keyFile.path),
            ("{url: \"postgresql://nowhere.invalid/x\"}", "{urlFile: \(folder)/none}"),
            ("database:", "protocol: {minimumVersion: latest}\ndatabase:"),
            ("database:", "passport: {issuers: [{issuer: x, jwkSetFile: \(folder)/none}]}\ndatabase:"),
        ] {
            #expect(good.contains(from))
            #expect(try await status(good.replacing(from, with: to)) == 1, "\(from) -> \(to)")
        }
    }

    @Test("without a certificate and without permission for plaintext a server does not start")
    func plaintextNeedsPermission() async throws {
        let test = try await TestBroker.make(policies: nil)
        #expect(throws: ConfigurationError.self) {
            try BrokerServer(
                configuration: BrokerConfiguration(), broker: test.broker, metrics: test.metrics,
                logger: test.logs.logger())
        }
    }

    @Test("A45: plaintext is logged and shows in a gauge")
    func plaintextIsVisible() async throws {
        try await RunningBroker.serve { server in
            #expect(server.test.logs.text.contains("serving without TLS"))
            let metrics = try await server.send("GET", "/metrics").text
            #expect(metrics.contains("claviger_insecure_mode{mode=\"plaintext\"} 1"))
        }
    }

    @Test("for how long the certificate still holds is told, as last seen when its file is damaged")
    func certificateExpiry() throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        let metrics = MetricsRegistry()
        let expiry = CertificateExpiry(certificateFile: certificate.certificateFile.path, factory: metrics)
        func seconds() throws -> Double {
            let line = try #require(
                metrics.prometheusText().split(separator: "\n").first {
                    $0.hasPrefix("claviger_tls_certificate_expiry_seconds ")
                })
            return try #require(Double(line.split(separator: " ")[1]))
        }
        let now = Date()
        expiry.record(at: now)
        let left = try seconds()
        #expect(left > 0)
        expiry.record(at: now.addingTimeInterval(left + 60))
        #expect(abs(try seconds() + 60) < 1)
        try Data("nonsense".utf8).write(to: certificate.certificateFile)
        expiry.record(at: now)
        #expect(abs(try seconds() + 60) < 1)
    }

    @Test("a changed certificate is taken over, a damaged one is not")
    func certificateReload() throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        let logs = LogCapture()
        let files = try CertificateFiles(
            certificateFile: certificate.certificateFile.path, keyFile: certificate.keyFile.path, logger: logs.logger())
        files.reload()
        #expect(logs.text.isEmpty)
        try certificate.renew()
        files.reload()
        #expect(logs.text.contains("server certificate reloaded"))
        try Data("nonsense".utf8).write(to: certificate.certificateFile)
        files.reload()
        #expect(logs.text.contains("server certificate not reloaded"))
        let other = try TestCertificate()
        defer { other.remove() }
        #expect(throws: ConfigurationError.self) {
            try CertificateFiles(
                certificateFile: other.certificateFile.path, keyFile: certificate.keyFile.path, logger: logs.logger())
        }
    }

    @Test("a server ends when it is told to")
    func gracefulShutdown() async throws {
        let test = try await TestBroker.make(policies: nil)
        var configuration = BrokerConfiguration()
        configuration.listen = ["127.0.0.1:0"]
        configuration.transport.insecurePlaintext = true
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try BrokerServer(
            configuration: configuration, broker: test.broker, metrics: test.metrics, logger: test.logs.logger(),
            onListening: { continuation.yield($0.port) })
        let group = ServiceGroup(configuration: .init(services: [test.broker, server], logger: test.logs.logger()))
        let task = Task { try await group.run() }
        let port = try #require(await ports.first { _ in true })
        #expect(try await RawClient(port: port, isSecure: false).send("GET", "/healthz").status == 200)
        await group.triggerGracefulShutdown()
        try await task.value
    }

    @Test("KBS 12.5.28: requests and releases are counted under the names that dashboards know")
    func metrics() async throws {
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        try await RunningBroker.serve(policies: policies) { server in
            _ = try await server.administrate("POST", "/kbs/v0/resource/a/b/c", body: [1, 2, 3])
            let (cookie, _) = try await server.attest(SampleGuest())
            for _ in 0..<2 { _ = try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie) }
            _ = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody(version: "9.9.9"))
            let reply = try await server.send("GET", "/metrics")
            #expect(reply.header("content-type")?.hasPrefix("text/plain") == true)
            let lines = Set(reply.text.split(separator: "\n").map(String.init))
            for line in [
                "kbs_resource_reads_total 2", "kbs_resource_writes_total 1", "kbs_auth_requests_total 2",
                "kbs_auth_successes_total 1", "kbs_auth_errors_total 1", "kbs_attestation_requests_total 1",
                "kbs_attestation_successes_total{tee_type=\"sample\"} 1", "kbs_policy_evaluations_total 2",
                "kbs_policy_approvals_total 2", "kbs_http_requests_total 6",
                "kbs_http_request_duration_seconds_count 6",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
        }
    }

    @Test("the key set is served to anybody, without cookies and without private parts")
    func keySet() async throws {
        try await RunningBroker.serve { server in
            let reply = try await server.send("GET", "/.well-known/jwks.json")
            #expect(reply.status == 200)
            #expect(reply.header("content-type") == "application/json")
            let keys = try #require(reply.json?["keys"]?.arrayValue)
            #expect(keys.count == 1)
            #expect(keys[0]["d"] == nil)
        }
    }

    @Test("A6: one source that floods is slowed down with 429 and Retry-After")
    func flood() async throws {
        try await RunningBroker.serve(configure: {
            $0.limits.challengesPerSecond = 1
            $0.limits.challengeBurst = 20
        }) { server in
            var statuses: [Int] = []
            var refused: Reply?
            // However slow this machine is: the flood goes on until it is refused.
            while refused == nil, statuses.count < 400 {
                let reply = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
                statuses.append(reply.status)
                if reply.status == 429 { refused = reply }
            }
            #expect(statuses.prefix(20).allSatisfy { $0 == 200 })
            #expect(refused?.errorType == "TooManyRequests")
            #expect(refused?.header("retry-after") != nil)
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }
}
