import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Check, test, sign, apply, show, compare and import policies.",
        subcommands: [
            PolicyApplyCommand.self, PolicyLintCommand.self, PolicyTestCommand.self, PolicyGetCommand.self,
            PolicyDiffCommand.self, PolicyExplainCommand.self, PolicyReplayCommand.self, PolicyImportCommand.self,
            PolicyDeleteCommand.self, PolicySignCommand.self, PolicyVerifyCommand.self, PolicyStatusCommand.self,
        ])
}

/// Names a policy: `KIND/NAMESPACE/NAME`, or `KIND/NAME` for the kinds of the whole cluster.
struct PolicyName: ExpressibleByArgument {
    let kind: String
    let namespace: String?
    let name: String

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        kind = parts[0]
        namespace = parts.count == 3 && parts[1] != "-" ? parts[1] : nil
        name = parts[parts.count - 1]
    }
}
