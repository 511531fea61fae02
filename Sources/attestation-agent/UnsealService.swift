import Guest
import Logging
import ServiceLifecycle

/// Writes the values of sealed files as soon as the broker lets it, then waits for the end.
struct UnsealService: Service {
    let files: UnsealedFiles
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                let failures = await files.writeMissing()
                for (target, error) in failures {
                    logger.error(
                        "\(target.output) is not written: \(error)", metadata: ["code": "\(error.code.rawValue)"])
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
