import AdminClient
import ArgumentParser
import Encodings
import FoundationEssentials
import JOSE

struct AdminInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an admin key pair and a short-lived token.",
        discussion: """
            Writes admin-key.pem and admin-token (mode 0600) and admin-key.pub.pem, and prints what belongs into the \
            broker's configuration. Nothing that exists is overwritten, and the token is never printed.
            """)

    enum Algorithm: String, ExpressibleByArgument, CaseIterable {
        case ed25519, p256

        var signature: SignatureAlgorithm {
            switch self {
            case .ed25519: .edDSA
            case .p256: .es256
            }
        }
    }

    @Option(help: "The folder to write into; it is made if need be.")
    var out: String

    @Option(help: "The kind of key: ed25519 or p256.")
    var algorithm = Algorithm.ed25519

    @Option(help: "How long the first token holds, for example 30m or 8h.")
    var ttl = DurationArgument.oneHour

    @Flag(help: "The broker takes the first token for one request only.")
    var once = false

    func run() throws {
        try FileManager.default.createDirectory(
            atPath: out, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let names = (key: "\(out)/admin-key.pem", publicKey: "\(out)/admin-key.pub.pem", token: "\(out)/admin-token")
        for path in [names.key, names.publicKey, names.token] where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure("\(path) exists already and is not overwritten")
        }
        let key = try SigningKey.generate(algorithm.signature)
        try PrivateFile.create(names.key, Array(try key.pemRepresentation().utf8))
        try PrivateFile.create(names.publicKey, Array(key.publicPEM.utf8), mode: 0o644)
        let token = try AdminToken.sign(
            AdminToken.Content(lifetime: ttl.duration, isForOneRequest: once), with: key)
        try PrivateFile.create(names.token, token.copyBytes() + [0x0A])
        Terminal.write(Self.configurationSnippet(publicKeyFile: StateFolder.absolute(names.publicKey)))
        Terminal.note(
            "wrote \(names.key), \(names.publicKey) and \(names.token) "
                + "(good for \(once ? "one request within " : "")\(ttl.defaultValueDescription))")
    }

    static func configurationSnippet(publicKeyFile: String) -> String {
        """
        # For the broker's configuration:
        admin:
          mode: AuthenticatedAuthorization
          identityProviders:
            - issuer: \(AdminToken.defaultIssuer)
              audience: \(AdminToken.defaultAudience)
              publicKeyFile: \(publicKeyFile)
          accessList:
            - role: admin
              allowedEndpoints: "^/kbs/.+$"
            - role: admin
              allowedEndpoints: "^/claviger/.+$"
        """
    }
}

extension DurationArgument {
    static let oneHour = DurationArgument(seconds: 3_600)
}
