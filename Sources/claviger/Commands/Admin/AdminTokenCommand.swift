import AdminClient
import ArgumentParser
import Encodings
import JOSE

struct AdminTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Sign an admin token with a key of admin init.",
        discussion: "The token goes to --out (mode 0600), or to standard output when that is no terminal.")

    @Option(help: "The private key (PEM).")
    var key: String

    @Option(help: "The role, which the broker's access list looks up.")
    var role = "admin"

    @Option(help: "Who acts; appears in the broker's histories.")
    var subject = "admin"

    @Option(help: "The issuer, as the broker's configuration names it.")
    var issuer = AdminToken.defaultIssuer

    @Option(help: "The audience, as the broker's configuration names it.")
    var audience = AdminToken.defaultAudience

    @Option(help: "How long it holds, for example 30m or 8h.")
    var ttl = DurationArgument.oneHour

    @Flag(help: "The broker takes it for one request only.")
    var once = false

    @Option(help: "The file to write; one that exists is replaced.")
    var out: String?

    @Flag(help: "Print the token even to a terminal.")
    var force = false

    func run() throws {
        let signingKey = try SigningKey(pem: InputFile.text(key, limit: 65_536))
        let content = AdminToken.Content(
            issuer: issuer, audience: audience, subject: subject, role: role, lifetime: ttl.duration,
            isForOneRequest: once)
        let token = try AdminToken.sign(content, with: signingKey)
        if let out {
            try PrivateFile.replace(out, token.copyBytes() + [0x0A])
            Terminal.note(
                "wrote \(out) (good for \(once ? "one request within " : "")\(ttl.defaultValueDescription))")
        } else if force || !Terminal.outputIsTerminal {
            Terminal.write(token.copyBytes() + [0x0A])
        } else {
            throw CommandFailure("a token on a terminal is easily seen: give --out FILE, or --force")
        }
    }
}
