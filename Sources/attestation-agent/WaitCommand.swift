import ArgumentParser
import FoundationEssentials
import HTTPTransport

/// Holds up whoever needs the agent until it is ready.
struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Waits until a running agent is ready: all files written, and a token at hand.",
        discussion: "Exit status: 0 it is ready; 1 it was not within the time, with the last reason; 64 wrong usage.",
        version: AttestationAgent.version)

    private static let pause: Duration = .milliseconds(250)

    @Argument(help: "What to ask.")
    var url = "http://127.0.0.1:8006/readyz"

    @Option(help: "Unix socket to connect to in place of the URL's host.")
    var unixSocket: String?

    @Option(help: "Seconds to wait.")
    var timeout: Double = 60

    func validate() throws {
        guard (0...86_400).contains(timeout) else { throw ValidationError("--timeout is 0 to 86400") }
    }

    func run() async throws {
        let probe = HealthProbe(url: url, unixSocket: unixSocket)
        let end = ContinuousClock.now + .seconds(timeout)
        while true {
            let reason: String
            do throws(HTTPTransportError) {
                let status = try await probe.status()
                guard status != 200 else { return }
                reason = "\(url) answers \(status)"
            } catch {
                reason = error.message
            }
            guard ContinuousClock.now + Self.pause < end else { throw ProbeFailure(description: reason) }
            try? await Task.sleep(for: Self.pause)
        }
    }
}
