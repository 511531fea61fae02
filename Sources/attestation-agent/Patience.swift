import ArgumentParser
import Guest

/// How long a command keeps trying while the broker is away.
struct PatienceOptions: ParsableArguments {
    @Option(name: .customLong("wait"), help: "Seconds to keep trying while the broker cannot be reached; 0 tries once.")
    var seconds: Double = 60

    func validate() throws {
        guard (0...86_400).contains(seconds) else { throw ValidationError("--wait is 0 to 86400") }
    }

    var patience: Patience { Patience(seconds: seconds) }
}

/// Repeats what time may heal.
struct Patience {
    /// One try.
    static let none = Patience(seconds: 0)
    private static let longestPause = 5.0

    let seconds: Double

    /// Repeats `attempt` until it leaves no failures, or one that time does not heal, or until the time is over.
    ///
    /// - Returns: the failures of the last attempt.
    func attempts<Failure>(_ attempt: () async -> [Failure], error: (Failure) -> GuestError) async -> [Failure] {
        let end = ContinuousClock.now + .seconds(seconds)
        var round = 0
        while true {
            let failures = await attempt()
            let errors = failures.map(error)
            guard !failures.isEmpty, errors.allSatisfy(\.isTransient) else { return failures }
            let pause = min(ProjectedFiles.pause(afterRound: round, failures: errors), Self.longestPause)
            guard ContinuousClock.now + .seconds(pause) < end else { return failures }
            try? await Task.sleep(for: .seconds(pause))
            round += 1
        }
    }
}
