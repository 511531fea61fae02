import Encodings
import FoundationEssentials

/// What was decided for a pod, for people.
struct PodText {
    let report: PodReport

    func text() -> String {
        [heading(), decisions(), policies(), notes()].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func heading() -> String {
        let workload = report.workload
        let runtime = workload.runtimeClass.map { ", runtime class \($0)" } ?? ""
        var lines = [
            "pod \(workload.namespace)/\(workload.name): \(workload.phase ?? "of unknown phase"), "
                + "\(AgeText.since(workload.createdAt, now: report.now)) old\(runtime)"
        ]
        lines += report.agentSentences.map { "agent      \($0)" }
        if !workload.resources.isEmpty { lines.append("asks for   \(workload.resources.joined(separator: ", "))") }
        if let initData = workload.initData {
            lines.append("init-data  \(initData.algorithm.rawValue) \(Hex.encode(initData.digest))")
        }
        return Self.block(lines)
    }

    private func decisions() -> String {
        guard !report.decisions.shown.isEmpty else {
            let namespace = report.workload.namespace
            return Self.block([
                "No decision yet: since the pod was made nobody asked for a resource of \(namespace), and no attestation "
                    + "was refused.",
                "Either the agent has not asked, or it asks another broker: look at its log.",
            ])
        }
        return report.decisions.shown.map(text).joined(separator: "\n")
    }

    private func text(_ decision: PodDecision) -> String {
        let age = AgeText.since(decision.record.cell("at"), now: report.now)
        let outcome = decision.isAllowed ? "GRANTED" : decision.isOfAttestation ? "REFUSED" : "DENIED"
        let beginning = Self.block([
            "\(outcome)  \(decision.request), \(age) ago", "tie to the pod  \(decision.tie.sentence)",
        ])
        let explanation = DecisionText(record: .object(decision.record)).text()
            .split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "  \($0)" }
            .joined(separator: "\n")
        let remedies = DecisionRemedy(record: decision.record).sentences()
        guard !remedies.isEmpty else { return beginning + explanation }
        return beginning + explanation + "\n"
            + Self.block(["What would have to change:"] + remedies.map { "  - \($0)" })
    }

    private func policies() -> String {
        var table = Table(["POLICY", "ACCEPTED", "PROGRAMMED", "REASON", "LAST DECISION"])
        for row in report.json()["policies"]?.arrayValue ?? [] {
            guard let row = row.objectValue else { continue }
            table.add(["policy", "accepted", "programmed", "reason", "verdict"].map(row.cell))
        }
        let namespace = report.workload.namespace
        let text = table.text()
        return text.isEmpty ? "The cluster has no release policy for the namespace \(namespace).\n" : text
    }

    private func notes() -> String { Self.block(report.notes.map { "note: \($0)" }) }

    private static func block(_ lines: [String]) -> String { lines.map { $0.printable + "\n" }.joined() }
}
