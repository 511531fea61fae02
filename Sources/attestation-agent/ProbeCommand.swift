import ArgumentParser
import Encodings
import HTTPTransport

/// The health check of a container image that has neither shell nor curl.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a health endpoint once: exit status 0 when it answers 200, else 1 and the reason.")

    @Argument(help: "What to ask, for example http://127.0.0.1:8006/readyz.")
    var url: String

    @Option(help: "PEM file with the certificate authorities to trust; default: the system's.")
    var ca: String?

    @Option(help: "Unix socket to connect to in place of the URL's host.")
    var unixSocket: String?

    @Option(help: "Seconds that the answer may take.")
    var timeout: Int = 5

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 3600 seconds.") }
    }

    func run() async throws {
        var authorities: String?
        if let ca {
            do throws(BoundedFileError) {
                authorities = try BoundedFile.text(ca, limit: Agent.maximumTextBytes)
            } catch {
                throw ProbeFailure(description: error.message)
            }
        }
        let status: Int
        do throws(HTTPTransportError) {
            let probe = HealthProbe(
                url: url, trustAnchorsPEM: authorities, unixSocket: unixSocket, timeout: .seconds(timeout))
            status = try await probe.status()
        } catch {
            throw ProbeFailure(description: error.message)
        }
        guard status == 200 else { throw ProbeFailure(description: "\(url) answers \(status)") }
    }
}

/// Why the probed server is not healthy. Ends the program with status 1.
struct ProbeFailure: Error, CustomStringConvertible {
    let description: String
}
