import AdminClient
import ArgumentParser

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Refuse an attestation token or a TEE key from the next request on.",
        discussion: """
            A token is named by its jti; its session ends with it. A TEE key is named by its RFC 7638 thumbprint \
            (base64url); everything that was attested with it ends.
            """)

    // Both are base64url, which may begin with a dash.
    @Option(parsing: .unconditional, help: "The token's jti.")
    var token: String?

    @Option(parsing: .unconditional, help: "The TEE key's thumbprint.")
    var teeKey: String?

    @Option(help: "Why; kept with the revocation.")
    var reason: String

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        if (token == nil) == (teeKey == nil) { throw ValidationError("name either --token or --tee-key") }
    }

    func run() async throws {
        guard
            let target = token.map(AdminClient.RevocationTarget.token)
                ?? teeKey.map(AdminClient.RevocationTarget.teeKey)
        else { return }
        try await broker.adminClient().revoke(target, reason: reason)
        Terminal.write("revoked")
    }
}
