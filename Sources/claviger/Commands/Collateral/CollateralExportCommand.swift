import AdminClient
import ArgumentParser
import Collateral
import JOSE

struct CollateralExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Put what a broker keeps into a signed bundle, for a site without a network.")

    @Option(help: "Only names that begin so.")
    var prefix: String?

    @OptionGroup var signing: CollateralSigningOptions

    @Option(name: [.customShort("o"), .long], help: "The file to write; one that exists is replaced.")
    var output: String

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        let key = try signing.signingKey()
        let content = try await broker.adminClient().exportCollateral(prefix: prefix)
        let bundle = try CollateralBundle(content: content).signed(with: key, keyID: signing.keyID)
        try PrivateFile.replace(output, bundle.serialized(), mode: 0o644)
        Terminal.note("wrote \(output): \(bundle.items.count) items")
    }
}

/// With whose key a bundle is signed.
struct CollateralSigningOptions: ParsableArguments {
    @Option(help: "The file with the private key: EC (P-256, P-384, P-521) or Ed25519, PEM, not encrypted.")
    var key: String

    @Option(help: "Names the key in the signature; by default by its thumbprint (RFC 7638).")
    var keyID: String?

    func signingKey() throws -> SigningKey { try SigningKey(pem: InputFile.text(key, limit: 65_536)) }
}
