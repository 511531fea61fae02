import AdminClient
import ArgumentParser
import Encodings
import FoundationEssentials
import Policy
import PolicyTesting

struct PolicyReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decide past requests again under proposed policies: who loses, who gains.",
        discussion: """
            The requests come from the broker's ledger. The files stand in for what the broker has under the same names; \
            with --only they are taken alone. When there is an AppraisalPolicy or a ReferenceValues document among them, \
            the claims of that time are graded again.
            """)

    @Option(help: "How far to look back: 90m, 12h, 7d.")
    var since = DurationArgument(seconds: 7 * 86_400)

    @Option(help: "How many decisions at most, the newest first.")
    var limit = 100_000

    @Flag(help: "Fail (exit status 1) when a request that was allowed would be denied.")
    var failOnLoss = false

    @OptionGroup var policies: PolicySourceOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if policies.file.isEmpty { throw ValidationError("name the proposed policies with -f") }
        if limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        let proposed = try policies.proposed()
        let gradesAgain = proposed.contains { $0.kind == .appraisalPolicy || $0.kind == .referenceValues }
        var replay = PolicyReplay(under: try await policies.bundle(proposed, broker), gradesAgain: gradesAgain)
        let start = Date().addingTimeInterval(-TimeInterval(since.duration.components.seconds))
        try await replay.add(decisionsAfter: start, limit: limit, of: broker.adminClient())
        output.print(replay.json()) { ReplayText(replay: replay).text() }
        if failOnLoss, !replay.losses.isEmpty { throw ExitCode.failure }
    }
}

extension PolicyReplay {
    private static let pageSize = 200

    /// Decides what the ledger holds from `start` on, the newest first.
    fileprivate mutating func add(decisionsAfter start: Date, limit: Int, of client: AdminClient) async throws {
        var filter = AdminClient.DecisionFilter(limit: Self.pageSize, withClaims: true)
        var left = limit
        while left > 0 {
            filter.limit = min(left, Self.pageSize)
            let page = try await client.decisions(filter)
            for record in page {
                if let at = (record["at"]?.stringValue).flatMap(TimestampText.date), at < start { return }
                add(record: record)
            }
            left -= page.count
            guard let last = page.last?["id"]?.stringValue, page.count == filter.limit else { return }
            filter.before = last
        }
    }
}

/// What a replay found, for people.
struct ReplayText {
    let replay: PolicyReplay

    func text() -> String {
        var lines = section("Would be denied, was allowed:", replay.losses)
        lines += section("Would be allowed, was denied:", replay.gains)
        lines += section("May be decided otherwise:", replay.undetermined)
        lines += unreadable()
        let open = replay.undetermined.reduce(0) { $0 + $1.count }
        let changed = replay.total - replay.stillAllowed - replay.stillDenied - open
        lines.append(
            "\(replay.total) requests: \(changed) would change, \(replay.stillAllowed) stay allowed, "
                + "\(replay.stillDenied) stay denied" + (open == 0 ? "" : ", \(open) cannot be told"))
        return lines.map(Terminal.printable).joined(separator: "\n")
    }

    private func unreadable() -> [String] {
        let count = replay.unreadable.values.reduce(0, +)
        guard count > 0 else { return [] }
        return ["\(count) of \(replay.total + count) rows could not be read:"]
            + replay.unreadable.sorted { $0.key < $1.key }.map { "  \($1) times: \($0)" } + [""]
    }

    private func section(_ title: String, _ changes: [PolicyReplay.Change]) -> [String] {
        guard !changes.isEmpty else { return [] }
        return [title]
            + changes.flatMap { change in
                [
                    "  \(change.resource) (\(change.tee)), \(change.count) times, latest \(change.latest)",
                    "      \(change.before) -> \(change.after): \(change.message)",
                ]
            } + [""]
    }
}
