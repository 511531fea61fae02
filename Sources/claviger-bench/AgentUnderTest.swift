import FoundationEssentials
import HTTPTransport
import Processes

#if canImport(Glibc)
    import Glibc
#endif

/// A running attestation-agent with sample evidence, in a temporary folder.
struct AgentUnderTest {
    let url: String
    /// Path of the confidential-data-hub's ttrpc socket.
    let hubSocket: String
    let process: Int32
    let secondsToReadiness: Double
    private let program: SupervisedProcess
    private let folder: String

    private static let port = 18_445

    var usage: ProcessUsage? { ProcessUsage(of: process) }

    static func start(program: String, broker: BrokerUnderTest, cacheSeconds: Int) async throws -> AgentUnderTest {
        let folder = try BrokerUnderTest.makeFolder()
        let hubSocket = "\(folder)/cdh.sock"
        try BrokerUnderTest.write(broker.trustAnchorsPEM, to: "\(folder)/ca.pem")
        var child = ChildProcess(
            path: program,
            arguments: [
                "--kbs-url", broker.url, "--kbs-cert", "\(folder)/ca.pem", "--allow-sample",
                "--rest", "127.0.0.1:\(port)", "--cdh-ttrpc", "unix://\(hubSocket)",
                "--cache-seconds", "\(cacheSeconds)", "--log-level", "error",
            ])
        child.output = STDERR_FILENO
        let began = ContinuousClock.now
        let running = try SupervisedProcess.start(child)
        guard let process = running.id else { throw BenchError("\(program) ended at once.") }
        let url = "http://127.0.0.1:\(port)"
        try await awaitReadiness(url, of: running)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        return AgentUnderTest(
            url: url, hubSocket: hubSocket, process: process, secondsToReadiness: seconds, program: running,
            folder: folder)
    }

    private static func awaitReadiness(_ url: String, of program: SupervisedProcess) async throws {
        let http = try HTTPClient(configuration: .init(systemTrust: false, insecureHTTPAllowed: true))
        for _ in 0..<5000 where program.isRunning {
            if let answer = try? await http.send(.init(method: "GET", url: "\(url)/readyz", timeout: .seconds(5))),
                answer.status == 200
            {
                return
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw BenchError("The agent did not become ready.")
    }

    func stop() async {
        program.signal(SIGTERM)
        _ = await program.ended()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
