import FoundationEssentials
import HTTPTransport
import KubernetesTestSupport
import Processes

#if canImport(Glibc)
    import Glibc
#endif

/// A running claviger-controller between an API server in this process and a broker, in a temporary folder.
struct ControllerUnderTest {
    let process: Int32
    private let program: SupervisedProcess
    private let folder: String

    private static let port = 18_446

    var isRunning: Bool { program.isRunning }
    var usage: ProcessUsage? { ProcessUsage(of: process) }

    static func start(
        program: String, broker: BrokerUnderTest, server: FakeAPIServer
    ) async throws -> ControllerUnderTest {
        let folder = try BrokerUnderTest.makeFolder()
        do {
            return try await start(program: program, broker: broker, server: server, in: folder)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private static func start(
        program: String, broker: BrokerUnderTest, server: FakeAPIServer, in folder: String
    ) async throws -> ControllerUnderTest {
        try BrokerUnderTest.write(broker.trustAnchorsPEM, to: "\(folder)/ca.pem")
        try BrokerUnderTest.write(server.kubeconfig(), to: "\(folder)/kubeconfig")
        try BrokerUnderTest.write(broker.adminToken, to: "\(folder)/token")
        var child = ChildProcess(
            path: program,
            arguments: [
                "--source", "bench", "--kubeconfig", "\(folder)/kubeconfig", "--lease-namespace", "default",
                "--url", broker.url, "--ca", "\(folder)/ca.pem", "--token-file", "\(folder)/token",
                "--health-address", "127.0.0.1:\(port)", "--log-level", "error",
            ])
        child.output = STDERR_FILENO
        let running = try SupervisedProcess.start(child)
        guard let process = running.id else { throw BenchError("\(program) ended at once.") }
        let controller = ControllerUnderTest(process: process, program: running, folder: folder)
        do {
            try await awaitReadiness(of: running)
        } catch {
            await controller.stop()
            throw error
        }
        return controller
    }

    private static func awaitReadiness(of program: SupervisedProcess) async throws {
        let http = try HTTPClient(configuration: .init(systemTrust: false, insecureHTTPAllowed: true))
        for _ in 0..<6_000 where program.isRunning {
            let request = HTTPRequest(method: "GET", url: "http://127.0.0.1:\(port)/readyz", timeout: .seconds(5))
            if let answer = try? await http.send(request), answer.status == 200 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchError("The controller did not become ready.")
    }

    func stop() async {
        program.signal(SIGTERM)
        _ = await program.ended()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
