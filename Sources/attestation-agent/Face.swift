import ServiceLifecycle

/// A server whose failure decides the program's status.
struct Face: Service {
    let server: any Service
    let outcome: AgentOutcome

    func run() async throws {
        do {
            try await server.run()
        } catch {
            if !(error is CancellationError) { outcome.set(AgentFailure.cannotListen) }
            throw error
        }
    }
}
