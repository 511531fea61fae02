import ArgumentParser

/// The cluster's side of the program, also to be had without kubectl.
struct KubectlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubectl",
        abstract: "What a cluster's objects and pods have to do with the broker's decisions (kubectl claviger).",
        discussion: KubectlPlugin.discussion, subcommands: KubectlPlugin.commands)
}

/// The root of the program when kubectl starts it: under the name `kubectl-claviger`.
struct KubectlPlugin: ParsableCommand {
    static let commands: [any ParsableCommand.Type] = [
        KubectlWhyCommand.self, KubectlDecisionsCommand.self, KubectlPoliciesCommand.self, KubectlStatusCommand.self,
    ]

    static let discussion = """
        The cluster is that of kubectl: KUBECONFIG, --kubeconfig, --context, --namespace. The broker is found as by all \
        commands of claviger: --url, --ca and --token-file, or CLAVIGER_URL, CLAVIGER_CA and CLAVIGER_TOKEN_FILE.
        """

    static let configuration = CommandConfiguration(
        commandName: "claviger", _superCommandName: "kubectl",
        abstract: "What the objects and pods of this cluster have to do with the broker's decisions.",
        discussion: discussion, version: Claviger.versionText, subcommands: commands)

    /// Whether a program that was started under this name is kubectl's plugin.
    static func isMeant(by name: String?) -> Bool {
        name?.split(separator: "/").last == "kubectl-claviger"
    }
}
