import Glibc
import ServiceLifecycle

/// Ends the process shortly after the wish to end, whatever may still be in flight: a container runtime that has to
/// kill a sidecar holds up the whole pod.
struct EndWatch: Service {
    private static let patience: Duration = .milliseconds(700)

    private let tidy: @Sendable () async -> Void

    init(tidy: @escaping @Sendable () async -> Void) {
        self.tidy = tidy
    }

    func run() async throws {
        try? await gracefulShutdown()
        let tidy = tidy
        Task.detached {
            try? await Task.sleep(for: Self.patience)
            await tidy()
            exit(0)
        }
    }
}
