import ArgumentParser
import Policy

/// Policies to try: files over what the broker has, or files alone.
struct PolicySourceOptions: ParsableArguments {
    @Option(
        name: [.short, .long], parsing: .upToNextOption,
        help: "YAML files or folders with policies, in place of those of the same names that the broker has.")
    var file: [String] = []

    @Flag(help: "Take the files alone, without what the broker has.")
    var only = false

    /// The documents of the files.
    func proposed() throws -> [PolicyDocument] {
        file.isEmpty ? [] : try PolicyFiles(file).documents()
    }

    /// The bundle that would be in force.
    func bundle(_ proposed: [PolicyDocument], _ broker: BrokerOptions) async throws -> PolicyBundle {
        if only { return try PolicyBundle(proposed) }
        let stored = try await BrokerPolicies(broker.adminClient())
        return try PolicyBundle(stored.documents(replacedBy: proposed), registered: stored.referenceValues)
    }

    func validate() throws {
        if only, file.isEmpty { throw ValidationError("--only needs policy files (-f)") }
    }
}
