import Guest
import Logging
import ServiceLifecycle

/// Fetches the pod's secrets, keeps them up to date, and ends the program when a change asks for that.
struct SecretsService: Service {
    /// A secret changed whose notice is the end of this program.
    struct Changed: Error {}

    let secrets: PodSecrets
    let outcome: AgentOutcome
    let logger: Logger

    func run() async throws {
        let isEndWanted = await cancelWhenGracefulShutdown {
            // It is cancelled when the other ends.
            async let _: Void = endLeases()
            return await keep()
        }
        guard !isEndWanted else {
            outcome.set(AgentFailure.secretChanged)
            throw Changed()
        }
        try? await gracefulShutdown()
    }

    /// Whether the end of the program is wanted; false when it came anyway.
    private func keep() async -> Bool {
        while !Task.isCancelled {
            let report = await secrets.refresh()
            Self.log(report, to: logger)
            if report.exitIsWanted { return true }
            let pause = await secrets.pause()
            try? await Task.sleep(for: .seconds(pause))
        }
        return false
    }

    /// Takes away what nobody confirmed, also while the broker lets ``keep()`` wait.
    private func endLeases() async {
        while !Task.isCancelled, let pause = await secrets.pauseOfLeases() {
            try? await Task.sleep(for: .seconds(pause))
            Self.log(await secrets.endLeases(), to: logger)
        }
    }

    /// Says what happened to which secret, never what is in it.
    static func log(_ report: PodSecrets.Report, to logger: Logger) {
        for secret in report.changes {
            logger.info("\(secret.name) has a new content")
        }
        for (secret, error) in report.failures {
            logger.error(
                "\(secret.name) is not up to date: \(error)",
                metadata: ["code": "\(error.code.rawValue)", "decision": "\(error.decisionID ?? "")"])
        }
        for secret in report.removals {
            logger.warning("\(secret.name) is taken away")
        }
    }
}

extension PodSecret {
    /// What an operator knows it by.
    fileprivate var name: String { file?.path ?? uri.description }
}
