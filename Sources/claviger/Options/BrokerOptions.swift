import AdminClient
import ArgumentParser
import Encodings
import FoundationEssentials

/// Where the broker is; see the discussion of `Claviger`.
struct BrokerOptions: ParsableArguments {
    @Option(help: "The broker's address, https://HOST:PORT or unix:PATH (CLAVIGER_URL).")
    var url: String?

    @Option(help: "Certificates (PEM) to trust in place of the system's (CLAVIGER_CA).")
    var ca: String?

    @Option(help: "The file with the admin token (CLAVIGER_TOKEN_FILE).")
    var tokenFile: String?

    @Option(help: "The state folder of claviger dev (CLAVIGER_HOME).")
    var home: String?

    @Flag(help: "Allow http:// to a host that is not this machine.")
    var insecureHTTP = false

    /// The address, certificates and token that apply.
    func endpoint() throws -> BrokerEndpoint {
        let environment = ProcessInfo.processInfo.environment
        let context = try StateFolder(home: home).context()
        guard let url = url ?? environment["CLAVIGER_URL"] ?? context?.url else {
            throw CommandFailure(
                "no broker is known: give --url (and --ca, --token-file), set CLAVIGER_URL, or start one with claviger dev"
            )
        }
        // What the state folder says holds for the broker that it names, not for another one.
        let own = context.flatMap { $0.url == url ? $0 : nil }
        return BrokerEndpoint(
            url: url, caFile: ca ?? environment["CLAVIGER_CA"] ?? own?.caFile,
            tokenFile: tokenFile ?? environment["CLAVIGER_TOKEN_FILE"] ?? own?.tokenFile,
            insecureHTTPAllowed: insecureHTTP)
    }

    /// A client without a token, for what everybody may ask.
    func openClient() throws -> AdminClient {
        let endpoint = try endpoint()
        return try AdminClient(
            AdminClient.Configuration(
                url: endpoint.httpURL, unixSocket: endpoint.unixSocket, trustAnchorsPEM: try endpoint.trustAnchors(),
                insecureHTTPAllowed: endpoint.plainHTTPAllowed))
    }

    /// A client with the admin token.
    func adminClient() throws -> AdminClient {
        let endpoint = try endpoint()
        guard let tokenFile = endpoint.tokenFile else {
            throw CommandFailure(
                "no admin token is known: give --token-file or set CLAVIGER_TOKEN_FILE; claviger admin token makes one")
        }
        return try AdminClient(
            AdminClient.Configuration(
                url: endpoint.httpURL, unixSocket: endpoint.unixSocket, trustAnchorsPEM: try endpoint.trustAnchors(),
                token: AdminToken.read(file: tokenFile), insecureHTTPAllowed: endpoint.plainHTTPAllowed))
    }
}

/// A broker's address with what is needed to speak to it.
struct BrokerEndpoint {
    let url: String
    let caFile: String?
    let tokenFile: String?
    let insecureHTTPAllowed: Bool

    /// The path of the Unix socket, for `unix:` addresses.
    var unixSocket: String? {
        guard url.hasPrefix("unix:") else { return nil }
        let path = url.dropFirst("unix:".count)
        return String(path.hasPrefix("//") ? path.dropFirst(2) : path)
    }

    var httpURL: String { unixSocket == nil ? url : "http://localhost" }

    /// Whether plain http may be spoken: to this machine always, elsewhere only when asked for.
    var plainHTTPAllowed: Bool {
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        // In `http://localhost:x@elsewhere` this machine's name is a user's, not the host's.
        return insecureHTTPAllowed
            || !url.contains("@")
                && loopback.contains { url == $0 || url.hasPrefix($0 + ":") || url.hasPrefix($0 + "/") }
    }

    func trustAnchors() throws -> String? {
        try caFile.map { String(decoding: try InputFile.read($0, limit: 1 << 20), as: UTF8.self) }
    }
}
