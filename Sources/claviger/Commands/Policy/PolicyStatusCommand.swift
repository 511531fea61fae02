import ArgumentParser
import Encodings

struct PolicyStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say which policies decide, on each broker, and who signed them.",
        discussion: "The exit status is 1 when a broker decides by others than those that are stored.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await broker.adminClient().policyStatus()
        output.print(status) { Self.text(status) }
        if Self.isBehind(status) { throw ExitCode.failure }
    }

    static func isBehind(_ status: JSONValue) -> Bool {
        let replicas = status["replicas"]?.arrayValue ?? []
        return !(status["problem"] ?? .null).isNull
            || replicas.contains { $0["generation"] != status["generation"] || !($0["problem"] ?? .null).isNull }
    }

    static func text(_ status: JSONValue) -> String {
        let object = status.objectValue ?? JSONObject()
        var text = """
            digest      \(object.cell("bundleDigest"))
            generation  \(object.cell("generation"))
            documents   \(object.cell("documents"))
            signatures  \(object["signaturesRequired"] == true ? "required" : "not required")

            """
        if let problem = object["problem"]?.objectValue {
            text += "problem     \(problem.cell("code")): \(problem.cell("details").printable)\n"
        }
        var bundles = Table(["BUNDLE", "SERIAL", "DIGEST", "SIGNERS", "APPLIED", "BY"])
        for bundle in (object["bundles"]?.arrayValue ?? []).compactMap(\.objectValue) {
            let signers = (bundle["signers"]?.arrayValue ?? []).compactMap { $0["keyId"]?.stringValue }
            bundles.add([
                bundle.cell("name"), bundle.cell("serial"), String(bundle.cell("digest").prefix(12)),
                signers.joined(separator: ", "), bundle.cell("updatedAt"), bundle.cell("updatedBy"),
            ])
        }
        var replicas = Table(["REPLICA", "GENERATION", "DIGEST", "SEEN", "PROBLEM"])
        for replica in (object["replicas"]?.arrayValue ?? []).compactMap(\.objectValue) {
            replicas.add([
                replica.cell("id"), replica.cell("generation"), String(replica.cell("bundleDigest").prefix(12)),
                replica.cell("seenAt"), replica.cell("problem"),
            ])
        }
        return [text, bundles.text(), replicas.text()].filter { !$0.isEmpty }.joined(separator: "\n")
    }
}
