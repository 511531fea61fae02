import FoundationEssentials
public import Kubernetes

extension RuntimeEnvironment {
    private static let start = ContinuousClock.now

    /// An environment whose time is a manual clock's. The clock starts at 2026-11-21T12:00:00Z, and chance is always `chance`.
    public static func manual(_ clock: ManualClock, chance: Double = 0) -> RuntimeEnvironment {
        RuntimeEnvironment(
            now: { start + clock.now.sinceStart },
            wallTime: { Date(timeIntervalSince1970: 1_795_262_400 + clock.now.sinceStart / .seconds(1)) },
            sleep: { duration throws(CancellationError) in
                do {
                    try await clock.sleep(until: clock.now.advanced(by: duration))
                } catch {
                    throw CancellationError()
                }
            },
            random: { chance })
    }
}

/// Waits until something is so, as long as a test may take.
public func eventually(
    _ condition: @Sendable () async -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(240)
    while await !condition() {
        guard ContinuousClock.now < end else { throw NeverCameTrue() }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// What a test waited for did not happen within four minutes.
public struct NeverCameTrue: Error {
    /// The failure.
    public init() {}
}
