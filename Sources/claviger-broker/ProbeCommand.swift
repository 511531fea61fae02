import ArgumentParser
import Broker
import HTTPTransport

/// The health check of a container image that has neither shell nor curl.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a health endpoint once: exit status 0 when it answers 200, else 1 and the reason.",
        discussion: "With --status 401 it shows, from outside, that a broker refuses whoever did not attest.")

    @Argument(help: "What to ask, for example https://localhost:8080/readyz.")
    var url: String

    @Option(help: "PEM file with the certificate authorities to trust; default: the system's.")
    var ca: String?

    @Option(help: "The status that is expected.")
    var status: Int = 200

    @Option(help: "Seconds that the answer may take.")
    var timeout: Int = 5

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 3600 seconds.") }
        guard (100...599).contains(status) else { throw ValidationError("--status takes 100 to 599.") }
    }

    func run() async throws {
        let answer: Int
        do {
            let authorities = try ca.map { try ConfigurationFile.text(at: $0) }
            let probe = HealthProbe(url: url, trustAnchorsPEM: authorities, timeout: .seconds(timeout))
            answer = try await probe.status()
        } catch let error as ConfigurationError {
            throw StartupFailure(message: error.message)
        } catch let error as HTTPTransportError {
            throw StartupFailure(message: error.message)
        }
        guard answer == status else {
            throw StartupFailure(message: "\(url) answers \(answer)\(status == 200 ? "" : " and not \(status)")")
        }
    }
}
