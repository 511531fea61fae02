import Foundation
import Kubernetes
import Synchronization
import Testing

/// A clock that stands still until a test lets time pass.
final class TurnedTime: Sendable {
    private struct State {
        var offset: Duration = .zero
        var sleepers: [Int: (due: Duration, continuation: CheckedContinuation<Void, Never>)] = [:]
        var next = 0
    }

    private let start = ContinuousClock.now
    private let state = Mutex(State())

    var environment: RuntimeEnvironment {
        RuntimeEnvironment(
            now: { self.start + self.state.withLock(\.offset) },
            wallTime: {
                Date(timeIntervalSince1970: 1_800_000_000 + self.state.withLock(\.offset) / .seconds(1))
            },
            sleep: { duration throws(CancellationError) in try await self.sleep(duration) },
            random: { Double.random(in: 0..<1) })
    }

    /// Lets time pass at once.
    func pass(_ duration: Duration) {
        let due = state.withLock { state in
            state.offset += duration
            let due = state.sleepers.filter { $0.value.due <= state.offset }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// Lets time pass in small steps until something holds, or for so long that it never will.
    func pass(
        until condition: @Sendable () async -> Bool, atMost limit: Duration = .seconds(3_600),
        step: Duration = .milliseconds(250), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let end = state.withLock(\.offset) + limit
        while await !condition() {
            guard state.withLock(\.offset) < end else {
                Issue.record("this never came to be", sourceLocation: sourceLocation)
                throw NeverCameToBe()
            }
            try await letOthersWork()
            pass(step)
        }
    }

    /// Lets time pass in small steps.
    func pass(steadily duration: Duration, step: Duration = .milliseconds(500)) async throws {
        let end = state.withLock(\.offset) + duration
        while state.withLock(\.offset) < end {
            try await letOthersWork()
            pass(step)
        }
    }

    /// Gives others the time to do what a step lets them do: longer on a machine that is so busy that this task waits, too.
    private func letOthersWork() async throws {
        let turn = Duration.milliseconds(2)
        let began = ContinuousClock.now
        try await Task.sleep(for: turn)
        let late = ContinuousClock.now - began - turn
        if late > turn { try await Task.sleep(for: min(late * 4, .seconds(2))) }
    }

    private func sleep(_ duration: Duration) async throws(CancellationError) {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard duration > .zero, !Task.isCancelled else { return true }
                    state.sleepers[id] = (state.offset + duration, continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume()
        }
        if Task.isCancelled { throw CancellationError() }
    }
}
