import ArgumentParser

/// The flags of the guest components' attestation-agent, as kata gives them.
struct AttestationAgentFlags: ParsableArguments {
    @Option(
        name: [.customShort("a"), .customLong("attestation_sock")],
        help: "As in the guest components: where ttrpc is served, unix:///path.")
    var attestationSocket: String?

    @Option(
        name: [.customShort("c"), .customLong("config-file")],
        help: "As in the guest components: an aa.toml, or the same as .json.")
    var configFile: String?

    @Option(
        name: [.customShort("t"), .customLong("initdata-toml")],
        help: "As in the guest components: file with the init-data document.")
    var initDataFile: String?

    @Option(
        name: [.customShort("i"), .customLong("initdata-digest")],
        help: "As in the guest components: digest of the init-data, base64; --initdata-toml comes first.")
    var initDataDigest: String?

    var role: AgentRole {
        let isReference = [attestationSocket, configFile, initDataFile, initDataDigest].contains { $0 != nil }
        guard isReference else { return .agent }
        return .attestationAgent(
            socket: attestationSocket, configFile: configFile, initDataFile: initDataFile,
            initDataDigest: initDataDigest)
    }
}

/// Stands in for the guest components' confidential-data-hub.
struct ConfidentialDataHubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confidential-data-hub",
        abstract: "Serves resources and image keys over ttrpc, as the guest components' program of this name.",
        version: AttestationAgent.version)

    @Option(name: .customShort("c"), help: "A cdh.toml, or the same as .json.")
    var configFile: String?

    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await AgentProgram.run(options, as: .confidentialDataHub(configFile: configFile))
    }
}

/// Stands in for the guest components' api-server-rest.
struct APIServerRESTCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-server-rest",
        abstract: "Serves resources and evidence over HTTP, as the guest components' program of this name.",
        discussion: """
            It asks the broker itself, with a token of its own. Where the broker is, and how it is verified, say the \
            options, else the measured init-data of the guest, else AA_KBC_PARAMS or the kernel's command line.
            """,
        version: AttestationAgent.version)

    @Option(name: [.customShort("b"), .customLong("bind")], help: "Where to listen. Default: 127.0.0.1:8006.")
    var bind: String?

    @Option(
        name: [.customShort("f"), .customLong("features")],
        help: "resource, attestation or all. Default: resource.")
    var features: String?

    @Option(
        name: [.customShort("c"), .customLong("cdh_addr")],
        help: "Accepted for compatibility; no confidential-data-hub is asked.")
    var hubAddress: String?

    @Option(
        name: [.customShort("a"), .customLong("aa_addr")],
        help: "Accepted for compatibility; no attestation-agent is asked.")
    var agentAddress: String?

    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await AgentProgram.run(options, as: .apiServerREST(bind: bind, features: features))
    }
}
