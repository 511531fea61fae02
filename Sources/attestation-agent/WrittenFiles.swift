import Guest
import Logging

/// What the agent wrote for the pod, and takes away at its end where that is wanted.
struct WrittenFiles: Sendable {
    let projected: ProjectedFiles
    let secrets: PodSecrets
    let unsealed: UnsealedFiles
    let areToGo: Bool
    let logger: Logger

    /// Takes everything away; what resists is logged and keeps nothing else.
    func remove() async {
        guard areToGo else { return }
        await attempt { () async throws(GuestError) in try await projected.removeAll() }
        await attempt { () async throws(GuestError) in try await secrets.removeAll() }
        await attempt { () async throws(GuestError) in try await unsealed.removeAll() }
    }

    private func attempt(_ removal: () async throws(GuestError) -> Void) async {
        do throws(GuestError) {
            try await removal()
        } catch {
            logger.error("\(error)", metadata: ["code": "\(error.code.rawValue)"])
        }
    }
}
