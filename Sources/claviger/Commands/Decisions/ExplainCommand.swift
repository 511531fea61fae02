import ArgumentParser
import Encodings
import Policy

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain a decision: each policy, each condition, required against measured.",
        discussion: "The id stands in the guest's error message; claviger decisions list shows the latest.")

    @Argument(help: "The decision's id.")
    var id: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let record = try await broker.adminClient().decision(id)
        output.print(record) { DecisionText(record: record).text() }
    }
}

/// A decision of the ledger for people.
struct DecisionText {
    let record: JSONValue

    func text() -> String {
        guard let object = record.objectValue else { return "" }
        let outcome = object["allowed"]?.boolValue == true ? "allowed" : "denied"
        let heading = [
            "decision \(object.cell("id"))", object.cell("at"), outcome, object.cell("code"),
            "\(object.cell("operation")) \(object.cell("path"))", object.cell("tee"),
        ]
        let beginning = heading.filter { !$0.isEmpty }.joined(separator: "  ").printable + "\n"
        let reason = object.cell("reason").printable + "\n"
        // Attestations that were refused were never put to the release policies.
        guard let trace = record["trace"], let decision = try? Decision(json: trace) else {
            let stage = outcome == "denied" ? record["trace"]?["stage"]?.stringValue : nil
            return beginning + reason + (stage.map { "refused in the stage: \($0.printable)\n" } ?? "")
        }
        let ownReason = decision.message == object.cell("reason") ? "" : reason
        return beginning + ownReason + machines() + "\n" + decision.explanation()
    }

    /// What the broker remembered of the machine beneath each part whose kind of evidence can name one.
    private func machines() -> String {
        let naming = ["snp", "az-snp-vtpm", "tdx", "az-tdx-vtpm", "sgx"]
        var text = ""
        for (name, part) in record["claims"]?["submodules"]?.objectValue ?? [:] {
            guard naming.contains(part["tee"]?.stringValue ?? "") else { continue }
            text += "\(name): \(Self.machine(part["platform"]?.objectValue))".printable + "\n"
        }
        return text
    }

    private static func machine(_ platform: JSONObject?) -> String {
        guard let platform else { return "the evidence names no machine, so nothing is remembered of its firmware" }
        guard platform["tcb_rollback"] == true else {
            return "the firmware of machine \(platform.cell("id")) is as new as it has ever been"
        }
        let before = (platform["tcb_rollback_from"]?.objectValue ?? [:])
            .map { "\($0.name) was \($0.value.serializedString())" }
        return "the firmware of machine \(platform.cell("id")) is OLDER than it has been: "
            + before.joined(separator: ", ")
    }
}
