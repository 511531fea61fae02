import Guest
import Logging
import ServiceLifecycle

/// Writes files as soon as the broker lets it, then waits for the end.
struct FileService: Service {
    /// Writes what is missing, and says what could not be written.
    let writeMissing: @Sendable () async -> [(path: String, error: GuestError)]
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                let failures = await writeMissing()
                for (path, error) in failures {
                    logger.error("\(path) is not written: \(error)", metadata: ["code": "\(error.code.rawValue)"])
                }
                guard !failures.isEmpty else { break }
                let pause = ProjectedFiles.pause(afterRound: round, failures: failures.map(\.error))
                try? await Task.sleep(for: .seconds(pause))
                round += 1
            }
        }
        try? await gracefulShutdown()
    }
}
