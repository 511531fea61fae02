import Kubernetes
import Synchronization

/// Follows one collection for as long as the process lives, and reads it anew when asked to.
///
/// A watch may have fallen silent without anybody having noticed: what the cache holds is then true of some former moment.
/// Only another reading tells what there is now.
final class RenewableInformer: Sendable {
    /// That the collection cannot be followed.
    struct Trouble: Sendable, Hashable {
        let since: ContinuousClock.Instant
        let error: KubernetesError.Kind
    }

    private struct State {
        var informer: Informer
        var running: Task<Void, Never>?
        var wasSynced = false
        var trouble: Trouble?
    }

    let store: ObjectStore
    private let make: @Sendable (ObjectStore) -> Informer
    private let state: Mutex<State>

    /// - Parameter make: makes an informer that keeps its objects in this store.
    init(store: ObjectStore, _ make: @escaping @Sendable (ObjectStore) -> Informer) {
        self.store = store
        self.make = make
        state = Mutex(State(informer: make(store)))
    }

    /// Whether everything was read at least once.
    var hasSynced: Bool {
        state.withLock { state in
            state.wasSynced = state.wasSynced || state.informer.hasSynced
            return state.wasSynced
        }
    }

    /// Since when, and why, the collection could not be followed at the last ``look(at:)``.
    var trouble: Trouble? { state.withLock(\.trouble) }

    /// Follows the collection until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            // Under the lock, so that whoever wants another reading finds the task of this one.
            let task = state.withLock { state in
                let informer = state.informer
                let task = Task { await informer.run() }
                state.running = task
                return task
            }
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Gives up the present watch, reads the collection as it is now, and returns when all of it is in the store and has been
    /// told to the handlers. One caller at a time.
    func readAnew() async throws(CancellationError) {
        let fresh = make(store)
        let former = state.withLock { state in
            state.wasSynced = state.wasSynced || state.informer.hasSynced
            state.informer = fresh
            defer { state.running = nil }
            return state.running
        }
        former?.cancel()
        try await fresh.waitUntilSynced()
    }

    /// Notes how it goes at this moment.
    func look(at now: ContinuousClock.Instant) {
        state.withLock { state in
            if let problem = state.informer.status.problem {
                state.trouble = Trouble(since: state.trouble?.since ?? now, error: problem.kind)
            } else if state.informer.hasSynced {
                state.trouble = nil
            }
        }
    }
}
