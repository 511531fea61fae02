import ArgumentParser
import Policy

struct PolicyGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "List the stored policies, or print one.")

    @Argument(help: "KIND/NAMESPACE/NAME, or KIND/NAME for kinds of the whole cluster; without it, all are listed.")
    var name: PolicyName?

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try broker.adminClient()
        if let name {
            let policy = try await client.policy(kind: name.kind, namespace: name.namespace, name: name.name)
            output.print(.object(policy.json)) { PolicyDocument.tidy(policy.text ?? "") }
            return
        }
        let policies = try await client.policies()
        output.print(
            policies.map(\.json), empty: "no policy is stored: every release is denied",
            columns: [
                ("POLICY", { PolicyRecordCell.identifier($0) }), ("DIGEST", { String($0.cell("digest").prefix(12)) }),
                ("ORIGIN", { $0.cell("origin") }), ("CHANGED", { $0.cell("updatedAt") }),
                ("BY", { $0.cell("updatedBy") }),
            ])
    }
}
