import ArgumentParser
import Broker
import Encodings
import JOSE
import KBSProtocol

struct SecretSealToBrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal-to-broker", abstract: "Encrypt a value to a broker, for one BrokeredSecret.",
        discussion: """
            The result may lie in the open: only the broker opens it, only for this namespace, name and path, and never \
            after a value with a higher serial. Nothing is asked for over the network. The bytes come from a file or from \
            standard input, never from the command line.
            """)

    @Option(help: "The file with the broker's sealing keys; claviger secret sealing-keys prints them.")
    var keys: String

    @Option(help: "The namespace of the BrokeredSecret, which is the resource's repository.")
    var namespace: String

    @Option(help: "The name of the BrokeredSecret.")
    var name: String

    @Option(help: "The resource, TYPE/TAG.")
    var path: String

    @Option(help: "Higher than that of any value that was sealed for it before.")
    var serial: Int64

    @Option(name: [.short, .long], help: "The file with the value; - is standard input.")
    var file = "-"

    @Flag(help: "Print the whole BrokeredSecret as YAML.")
    var document = false

    func run() throws {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard segments.count == 2, let resource = try? ResourcePath(segments: [namespace] + segments) else {
            throw CommandFailure("--path is TYPE/TAG, in letters, digits, '_', '-' and '.'")
        }
        let set = try JWKSet(json: InputFile.read(keys, limit: 1 << 20))
        guard let key = set.keys.first else { throw CommandFailure("\(keys) holds no key") }
        var bytes = try InputFile.read(file, limit: SealedForBroker.maximumValueBytes)
        let sealed = try SealedForBroker(
            sealing: SecretBytes(wiping: &bytes), to: key.jwk, namespace: namespace, name: name, path: resource,
            serial: serial)
        Terminal.write(document ? text(of: sealed, segments) : sealed.text + "\n")
    }

    private func text(of sealed: SealedForBroker, _ segments: [String]) -> String {
        YAMLText.text([
            "apiVersion": "claviger.dev/v1alpha1", "kind": "BrokeredSecret",
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "spec": [
                "path": ["type": .string(segments[0]), "tag": .string(segments[1])],
                "sealed": ["jwe": .string(sealed.text)],
            ],
        ])
    }
}
