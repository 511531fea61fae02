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
            status = try await HealthProbe(url: url, trustAnchorsPEM: authorities, unixSocket: unixSocket).status()
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
