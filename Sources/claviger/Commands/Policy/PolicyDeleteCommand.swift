import ArgumentParser

struct PolicyDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Remove a policy from the broker.")

    @Argument(help: "KIND/NAMESPACE/NAME, or KIND/NAME for kinds of the whole cluster.")
    var name: PolicyName

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        try await broker.adminClient().deletePolicy(kind: name.kind, namespace: name.namespace, name: name.name)
        Terminal.note("\(name.kind)/\(name.namespace ?? "-")/\(name.name) deleted")
    }
}
