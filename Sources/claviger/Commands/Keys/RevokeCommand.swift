import AdminClient
import ArgumentParser

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Refuse a token, a TEE key or a party to an ESM blob from the next request on.",
        discussion: """
            A token is named by its jti; its session ends with it. A TEE key is named by its RFC 7638 thumbprint \
            (base64url); everything that was attested with it ends. An ESM blob of OpenPOWER guests has three parties: its owner, \
            the machine and the blob itself, each named by the digest in the claims `esm_owner`, `machine_key_fingerprint` and \
            `esm_blob`; revoking any of them ends what was released to hosts for it.
            """)

    // Both are base64url, which may begin with a dash.
    @Option(parsing: .unconditional, help: "The token's jti.")
    var token: String?

    @Option(parsing: .unconditional, help: "The TEE key's thumbprint.")
    var teeKey: String?

    @Option(help: "The fingerprint of an owner of ESM blobs, in hexadecimal digits.")
    var esmOwner: String?

    @Option(help: "The fingerprint of a machine's key, in hexadecimal digits.")
    var esmMachine: String?

    @Option(help: "The SHA-256 of an ESM blob, in hexadecimal digits.")
    var esmBlob: String?

    @Option(help: "Why; kept with the revocation.")
    var reason: String

    @OptionGroup var broker: BrokerOptions

    private var targets: [AdminClient.RevocationTarget] {
        [
            token.map(AdminClient.RevocationTarget.token), teeKey.map(AdminClient.RevocationTarget.teeKey),
            esmOwner.map(AdminClient.RevocationTarget.esmOwner),
            esmMachine.map(AdminClient.RevocationTarget.esmMachine),
            esmBlob.map(AdminClient.RevocationTarget.esmBlob),
        ].compactMap(\.self)
    }

    func validate() throws {
        if targets.count != 1 {
            throw ValidationError("name one of --token, --tee-key, --esm-owner, --esm-machine and --esm-blob")
        }
    }

    func run() async throws {
        guard let target = targets.first else { return }
        try await broker.adminClient().revoke(target, reason: reason)
        Terminal.write("revoked")
    }
}
