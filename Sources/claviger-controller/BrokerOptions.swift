import AdminClient
import ArgumentParser
import Controller
import Encodings
import FoundationEssentials
import Logging

/// Where the broker is, and what shows it who asks.
struct BrokerOptions: ParsableArguments {
    @Option(name: .long, help: "The broker's address. Environment: CLAVIGER_URL.")
    var url: String?

    @Option(name: .long, help: "Certificates (PEM) that the broker's must lead to. Environment: CLAVIGER_CA.")
    var ca: String?

    @Option(
        name: .long,
        help: """
            File with the token for the broker, such as a projected service-account token with the broker's audience; read \
            anew for each request. Environment: CLAVIGER_TOKEN_FILE.
            """)
    var tokenFile: String?

    @Flag(name: .long, help: "Speak to the broker without TLS: whoever is on the way reads and changes everything.")
    var insecureHTTP = false

    func client(_ logger: Logger) throws -> AdminClient {
        let environment = ProcessInfo.processInfo.environment
        guard let url = url ?? environment["CLAVIGER_URL"] else {
            throw ValidationError("Name the broker with --url or CLAVIGER_URL.")
        }
        var configuration = AdminClient.Configuration(url: url)
        if let file = ca ?? environment["CLAVIGER_CA"] {
            do throws(BoundedFileError) {
                configuration.trustAnchorsPEM = try BoundedFile.text(file, limit: 1_048_576)
            } catch {
                throw ValidationError(error.message)
            }
        }
        configuration.tokenFile = tokenFile ?? environment["CLAVIGER_TOKEN_FILE"]
        configuration.insecureHTTPAllowed = insecureHTTP
        if insecureHTTP { logger.warning("the broker is addressed without TLS: never do this in production") }
        ControllerMetrics().insecure(insecureHTTP)
        return try AdminClient(configuration)
    }
}
