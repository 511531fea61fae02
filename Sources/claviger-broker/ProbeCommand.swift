import ArgumentParser
import Broker
import HTTPTransport

/// The health check of a container image that has neither shell nor curl.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a health endpoint once: exit status 0 when it answers 200, else 1 and the reason.")

    @Argument(help: "What to ask, for example https://localhost:8080/readyz.")
    var url: String

    @Option(help: "PEM file with the certificate authorities to trust; default: the system's.")
    var ca: String?

    @Option(help: "Seconds that the answer may take.")
    var timeout: Int = 5

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 3600 seconds.") }
    }

    func run() async throws {
        let status: Int
        do {
            let authorities = try ca.map { try ConfigurationFile.text(at: $0) }
            let probe = HealthProbe(url: url, trustAnchorsPEM: authorities, timeout: .seconds(timeout))
            status = try await probe.status()
        } catch let error as ConfigurationError {
            throw StartupFailure(message: error.message)
        } catch let error as HTTPTransportError {
            throw StartupFailure(message: error.message)
        }
        guard status == 200 else { throw StartupFailure(message: "\(url) answers \(status)") }
    }
}
