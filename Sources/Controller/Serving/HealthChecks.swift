import Synchronization

/// What the kubelet asks: whether the process lives, has started, and can be of use.
public final class HealthChecks: Sendable {
    /// The answer to one question.
    struct Report: Sendable, Hashable {
        var checks: [(name: String, failure: String?)]

        var isGood: Bool { checks.allSatisfy { $0.failure == nil } }

        /// One line for each check, as API servers write them.
        var text: String {
            let lines = checks.map { check in
                check.failure.map { "[-]\(check.name) failed: \($0)" } ?? "[+]\(check.name) ok"
            }
            return (lines + [isGood ? "ok" : "not ok"]).joined(separator: "\n") + "\n"
        }

        static func == (left: Report, right: Report) -> Bool { left.text == right.text }
        func hash(into hasher: inout Hasher) { hasher.combine(text) }
    }

    private struct State {
        var hasStarted = false
        var isEnding = false
    }

    private let state = Mutex(State())
    private let unsynced: @Sendable () -> [String]
    private let problems: @Sendable () -> [String]
    private let admission: (@Sendable () -> String?)?

    /// - Parameters:
    ///   - unsynced: the kinds that were not read whole yet.
    ///   - problems: why kinds that were read could not be followed for some time.
    ///   - admission: why no admission webhook could be answered; nil where none is served.
    init(
        unsynced: @escaping @Sendable () -> [String], problems: @escaping @Sendable () -> [String] = { [] },
        admission: (@Sendable () -> String?)? = nil
    ) {
        self.unsynced = unsynced
        self.problems = problems
        self.admission = admission
    }

    /// From now on the process takes no new work: it is not ready any more.
    func end() { state.withLock { $0.isEnding = true } }

    /// Answering is all that it takes to be alive.
    func live() -> Report { Report(checks: [("ping", nil)]) }

    /// Once everything was read, the process has started for good.
    func started() -> Report {
        let missing = unsynced()
        let hasStarted = state.withLock { state in
            state.hasStarted = state.hasStarted || missing.isEmpty
            return state.hasStarted
        }
        return Report(checks: [("caches", hasStarted ? nil : Self.sentence(missing))])
    }

    /// Whether this process could lead. Whether it does is nothing to a probe: all but one never do.
    func ready() -> Report {
        let missing = unsynced()
        let problems = problems()
        var report = Report(checks: [
            ("caches", missing.isEmpty ? nil : Self.sentence(missing)),
            ("watches", problems.isEmpty ? nil : problems.sorted().joined(separator: "; ")),
            ("shutdown", state.withLock { $0.isEnding } ? "the process is ending" : nil),
        ])
        if let admission { report.checks.append(("admission", admission())) }
        return report
    }

    private static func sentence(_ missing: [String]) -> String {
        "not read yet: \(missing.sorted().joined(separator: ", "))"
    }
}
