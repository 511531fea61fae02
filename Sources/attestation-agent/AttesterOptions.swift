import ArgumentParser
import Guest

/// Which evidence is accepted, and where that of devices comes from.
struct AttesterOptions: ParsableArguments {
    @Option(
        help: """
            TEEs that may be attested, for example snp,tdx: on a machine of another kind the agent does not start. \
            Default: any that is found.
            """)
    var tee: String?

    @Option(
        help: """
            Program that prints evidence of NVIDIA devices, with {nonce} for the nonce, for example '/usr/bin/nvattest \
            collect-evidence --device gpu --format json --nonce {nonce}'. Can be repeated. Default: no such devices.
            """)
    var nvidiaCommand: [String] = []

    func settings(
        allowSample: Bool, _ variables: AgentVariables, _ environment: [String: String]
    ) throws -> AttesterSettings {
        do throws(GuestError) {
            let tees = try (tee ?? variables.text("tee")).map(AttesterSettings.tees) ?? []
            var commands: [EvidenceCommand] = []
            for line in nvidiaCommand.isEmpty ? variables.lines("nvidia-command") : nvidiaCommand {
                commands.append(try EvidenceCommand(line))
            }
            return AttesterSettings(
                allowSample: allowSample, required: tees, environment: environment, nvidiaCommands: commands)
        } catch {
            throw ValidationError(error.message)
        }
    }
}
