import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import GuestAPI

/// containerd's stream processor for encrypted image layers, called as imgcrypt's program of this name.
struct LayerDecoderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctd-decoder",
        abstract: "Decrypts an image layer from standard input to standard output.",
        discussion: """
            containerd runs it for layers of type …+encrypted, with the payload on descriptor 3. The layer's key is opened \
            by the key provider "attestation-agent" that the file in OCICRYPT_KEYPROVIDER_CONFIG names, over ttrpc or \
            gRPC; without that variable by the confidential-data-hub's socket. Exit status: 0 when the layer was decrypted \
            and is the one that was encrypted, else 1 and the reason; what was written then must not be used.
            """,
        version: AttestationAgent.version)

    @Option(help: "Accepted for compatibility; keys come from the broker, not from files.")
    var decryptionKeysPath: String?

    func run() async throws {
        let payload = try StreamProcessorPayload(parsing: try Self.payload())
        let configuration = ProcessInfo.processInfo.environment["OCICRYPT_KEYPROVIDER_CONFIG"]
        let client = try KeyProviderClient(configurationFile: configuration)
        let decoding = LayerDecoding { (request) async throws(GuestError) in try await client.unwrap(request) }
        try await decoding.decode(payload.layer, from: STDIN_FILENO, to: STDOUT_FILENO)
    }

    /// What containerd says on descriptor 3.
    private static func payload() throws(GuestError) -> [UInt8] {
        try StandardStream.read(3, limit: StreamProcessorPayload.maximumSize, as: "payload on descriptor 3")
    }
}
