import AdminClient
import Encodings
import FoundationEssentials
import HTTPTransport
import JOSE
import Processes
import Storage
import X509Trust

#if canImport(Glibc)
    import Glibc
#endif

/// A release-built broker on one core, with a private PostgreSQL of its own, in a temporary folder.
struct BrokerUnderTest {
    let url: String
    /// The broker's process id.
    let process: Int32
    private let program: SupervisedProcess
    let trustAnchorsPEM: String
    let admin: AdminClient
    /// What `admin` shows the broker.
    let adminToken: String
    private let postgres: PrivatePostgres
    private let folder: String

    static func start(program: String, core: Int, port: Int) async throws -> BrokerUnderTest {
        let folder = try makeFolder()
        do {
            return try await start(program: program, core: core, port: port, in: folder)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    /// A folder of our own, which the database's user can pass through.
    static func makeFolder() throws -> String {
        umask(0o077)
        var template = Array("/tmp/claviger-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("No folder can be made in /tmp.") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(folder, 0o711)
        return folder
    }

    private static func start(
        program: String, core: Int, port: Int, in folder: String
    ) async throws -> BrokerUnderTest {
        let postgres = try await PrivatePostgres.start(
            dataDirectory: "\(folder)/postgres", options: .init(isDisposable: true))
        let authority = try CertificateAuthority.generate(
            commonName: "bench", validity: .days(1, from: Date.now.addingTimeInterval(-60)))
        let server = try authority.issue(
            commonName: "localhost", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], usage: .tlsServer,
            validity: .days(1, from: Date.now.addingTimeInterval(-60)))
        let adminKey = try SigningKey.generate(.edDSA)
        try KeyEncryptionKeyRing.generate().write(toNewFile: "\(folder)/kek")
        try write(server.certificate.pem, to: "\(folder)/tls.crt")
        try write(server.keyPEM.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, to: "\(folder)/tls.key")
        try write(adminKey.publicPEM, to: "\(folder)/admin.pub")
        try write(configuration(folder: folder, dsn: postgres.dsn, port: port), to: "\(folder)/broker.yaml")

        let running = try start(program, core: core, configuration: "\(folder)/broker.yaml")
        guard let process = running.id else { throw BenchError("\(program) ended at once.") }
        let token = try AdminToken.sign(.init(), with: adminKey)
        let url = "https://127.0.0.1:\(port)"
        let admin = try AdminClient(
            .init(url: url, trustAnchorsPEM: authority.certificatePEM, token: token))
        let broker = BrokerUnderTest(
            url: url, process: process, program: running, trustAnchorsPEM: authority.certificatePEM, admin: admin,
            adminToken: token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, postgres: postgres,
            folder: folder)
        do {
            try await broker.awaitReadiness()
        } catch {
            await broker.stop()
            throw error
        }
        return broker
    }

    func stop() async {
        program.signal(SIGTERM)
        _ = await program.ended()
        await postgres.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func awaitReadiness() async throws {
        let http = try HTTPClient(configuration: .init(trustAnchorsPEM: trustAnchorsPEM, systemTrust: false))
        for _ in 0..<200 where program.isRunning {
            if let answer = try? await http.send(.init(method: "GET", url: "\(url)/readyz", timeout: .seconds(1))),
                answer.status == 200
            {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchError("The broker did not become ready.")
    }

    private static func configuration(folder: String, dsn: String, port: Int) -> String {
        """
        listen: ["127.0.0.1:\(port)"]
        keyEncryptionKeyFile: \(folder)/kek
        transport: {certificateFile: \(folder)/tls.crt, keyFile: \(folder)/tls.key}
        database: {url: "\(dsn)", connections: 2}
        token: {lifetime: 1h}
        attestation: {allowSample: true}
        admin:
          mode: AuthenticatedAuthorization
          identityProviders:
            - {issuer: \(AdminToken.defaultIssuer), audience: \(AdminToken.defaultAudience), publicKeyFile: \(folder)/admin.pub}
          accessList:
            - {role: admin, allowedEndpoints: "^/kbs/.+$"}
            - {role: admin, allowedEndpoints: "^/claviger/.+$"}
        limits: {challengesPerSecond: 1000000, challengeBurst: 1000000}
        logLevel: \(ProcessInfo.processInfo.environment["BENCH_LOG"] ?? "warning")
        """
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private static func start(_ program: String, core: Int, configuration: String) throws -> SupervisedProcess {
        var child = ChildProcess(
            path: "/usr/bin/taskset", arguments: ["-c", "\(core)", program, "--config", configuration])
        child.environment = ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
        child.output = STDERR_FILENO
        return try SupervisedProcess.start(child)
    }
}

/// Why a benchmark could not be made.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
