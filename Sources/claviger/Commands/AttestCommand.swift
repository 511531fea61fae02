import ArgumentParser
import Encodings
import JOSE

struct AttestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest", abstract: "Attest this machine to the broker and print what it believes.",
        discussion: "Prints the claims of the attestation token; --token prints the token itself.")

    @Flag(help: "Print the token in place of its claims.")
    var token = false

    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let attested = try await guest.client(broker).token()
        let text = attested.token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        if token {
            Terminal.write(text)
            return
        }
        let claims = JSONValue.object(try JWTClaims(payload: JWS(compact: text).payload).object)
        output.print(claims) { YAMLText.text(claims) }
    }
}
