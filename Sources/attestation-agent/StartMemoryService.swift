import Processes
import ServiceLifecycle

/// Gives back what only the start needed, once it should be over, and again when it took long.
struct StartMemoryService: Service {
    private static let pauses: [Duration] = [.seconds(2), .seconds(60)]

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for pause in Self.pauses {
                do { try await Task.sleep(for: pause) } catch { return }
                StartMemory.release()
            }
        }
        try? await gracefulShutdown()
    }
}
