import AdminClient
import ArgumentParser
import Encodings
import FoundationEssentials
import Kubernetes
import Policy

struct KubectlPoliciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policies", abstract: "Compare the cluster's policy objects with what the broker decides by.",
        discussion: """
            Objects without a namespace are shown with those of every namespace. The exit status is 1 when an object is not \
            Programmed, or when the broker, or one of its replicas, decides by something else.
            """)

    static let kinds: [ResourceKind] = [
        .releasePolicy, .clusterReleasePolicy, .appraisalPolicy, .referenceValues, .policyBundle,
    ]

    @Flag(name: [.customShort("A"), .long], help: "Those of all namespaces.")
    var allNamespaces = false

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if allNamespaces, cluster.namespace != nil {
            throw ValidationError("--namespace and --all-namespaces exclude each other")
        }
    }

    func run() async throws {
        let client = try broker.adminClient()
        let reader = try cluster.reader()
        let namespace = allNamespaces ? nil : reader.namespace
        var listings: [KindListing] = []
        for kind in Self.kinds { listings.append(try await .read(kind, namespace: namespace, from: reader)) }
        let status = try await client.policyStatus()
        let comparison = PolicyComparison(
            listings, namespace: namespace, records: try await client.policies(),
            bundles: (status["bundles"]?.arrayValue ?? []).compactMap(\.objectValue))
        let report = PolicyReport(comparison: comparison, status: status, now: Date())
        output.print(.object(report.json())) { report.text() }
        if !report.problems.isEmpty { throw ExitCode.failure }
    }
}

/// What is printed of a comparison.
struct PolicyReport {
    let comparison: PolicyComparison
    let status: JSONValue
    let now: Date

    var problems: [String] { comparison.problems(status: status) }

    func json() -> JSONObject {
        [
            "policies": .array(comparison.policies.map { .object($0.json()) }),
            "elsewhere": .array(
                comparison.elsewhere.map { ["policy": .string($0.identifier), "origin": .string($0.origin)] }),
            "problems": .array(problems.map { .string($0) }), "broker": status,
        ]
    }

    func text() -> String {
        var table = Table([
            "NAMESPACE", "KIND", "NAME", "ACCEPTED", "COMPILED", "PROGRAMMED", "BROKER", "AGE", "REASON",
        ])
        for policy in comparison.policies {
            let row = policy.json()
            table.add([
                policy.object.namespace ?? "-", policy.kind.rawValue, policy.object.name, row.cell("accepted"),
                row.cell("compiled"), row.cell("programmed"), policy.standing.rawValue,
                AgeText.since(policy.object.createdAt, now: now), policy.objection?.reason ?? "",
            ])
        }
        let orphans = Set(comparison.orphans.map(\.identifier))
        var elsewhere = Table(["ONLY IN THE BROKER", "FROM"])
        for record in comparison.elsewhere where !orphans.contains(record.identifier) {
            elsewhere.add([record.identifier, record.origin])
        }
        let objects = comparison.policies.isEmpty ? "the cluster has no policy objects here\n" : table.text()
        let complaints = problems.map { "PROBLEM  \($0)".printable + "\n" }.joined()
        return [objects, complaints, elsewhere.text(), PolicyStatusCommand.text(status)]
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }
}
