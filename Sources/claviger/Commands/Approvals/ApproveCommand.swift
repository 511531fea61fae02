import AdminClient
import ArgumentParser
import FoundationEssentials

struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve the release of a resource whose policy asks for it.",
        discussion: """
            The approval is yours: of the person that the admin token names. It holds for the policy as it is now; \
            a policy that is changed asks again. claviger explain DECISION shows what is missing, and the instance.
            """)

    @Option(help: "The resource, REPOSITORY/TYPE/TAG.")
    var resource: String

    @Option(help: "The policy that asks, KIND/NAMESPACE/NAME; needed when several do.")
    var policy: String?

    @Option(help: "Only if the policy has this digest, as claviger explain shows it: the content you looked at.")
    var policyDigest: String?

    @Option(help: "Only for this instance (64 hex digits, as claviger explain shows it).")
    var instance: String?

    @Option(help: "End after this time, such as 30m; by default as late as the policy allows.")
    var expires: DurationArgument?

    @Option(help: "Why; kept with the approval.")
    var reason: String?

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let end = expires.map { Date().addingTimeInterval(Double($0.duration.components.seconds)) }
        let approval = try await broker.adminClient().approve(
            AdminClient.ApprovalRequest(
                resource: resource, policy: policy, policyDigest: policyDigest, instance: instance,
                expires: end?.formatted(.iso8601), reason: reason))
        output.print(approval) {
            let object = approval.objectValue ?? [:]
            return Terminal.printable(
                "approved by \(object.cell("approvedBy")) until \(object.cell("expiresAt")): \(object.cell("id"))")
                + "\n"
        }
    }
}
