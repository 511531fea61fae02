import ArgumentParser
import Glibc
import Guest

/// ocicrypt's key provider as a command: one request on standard input, its answer on standard output.
struct KeyProviderCommand: AsyncParsableCommand {
    private static let maximumRequestSize = 1_048_576

    static let configuration = CommandConfiguration(
        commandName: "keyprovider",
        abstract: "Answers one request of ocicrypt (JSON) from standard input on standard output.",
        discussion: """
            For OCICRYPT_KEYPROVIDER_CONFIG with "cmd". Each call attests anew: where a server can run, --keyprovider of \
            the agent itself serves all layers with one attestation. Exit status: 0, or 1 and the reason.
            """,
        version: AttestationAgent.version)

    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await AgentProgram.run(options, as: .tool) { agent, _ in
            do throws(GuestError) {
                let request = try StandardStream.read(STDIN_FILENO, limit: Self.maximumRequestSize, as: "request")
                try StandardStream.write(try await agent.imageKeys.answer(request), to: STDOUT_FILENO)
                return 0
            } catch {
                throw AgentFailure.refusal(error)
            }
        }
    }
}
