import Glibc
import ServiceLifecycle

/// Ends the process shortly after the wish to end, whatever may still be in flight: a container runtime that has to
/// kill a sidecar holds up the whole pod.
///
/// The services are not cancelled for that: a server that is cancelled while a new connection waits to be served traps.
struct EndWatch: Service {
    private static let patience: Duration = .milliseconds(400)

    private let outcome: AgentOutcome
    private let tidy: @Sendable () async -> Void

    init(outcome: AgentOutcome, tidy: @escaping @Sendable () async -> Void) {
        self.outcome = outcome
        self.tidy = tidy
    }

    func run() async throws {
        try? await gracefulShutdown()
        let (outcome, tidy) = (outcome, tidy)
        Task.detached {
            try? await Task.sleep(for: Self.patience)
            await tidy()
            exit(outcome.status)
        }
    }
}
