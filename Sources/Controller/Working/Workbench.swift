import Kubernetes
import Logging

/// A line of keys and what is done with each of them, while this controller may write.
struct Workbench<Key: Hashable & Sendable & CustomStringConvertible>: Working {
    /// Brings one key in order. Answers after how long it wants to be looked at again; nil when only after a change.
    typealias Reconcile = @Sendable (Key, Leadership) async throws(ControllerError) -> Duration?

    let name: String
    let queue: WorkQueue<Key>
    let workers: Int
    let environment: RuntimeEnvironment
    let metrics: ControllerMetrics
    let logger: Logger
    /// The keys of everything that there is.
    let everything: @Sendable () -> [Key]
    /// What the work looks at.
    let caches: [InformedCache]
    /// Is done once a minute for as long as a new term cannot begin, since not everything can be read.
    let unread: @Sendable (Leadership) async -> Void
    let reconcile: Reconcile

    func shutDown() { queue.shutDown() }

    /// Works until the queue is shut down and empty, or the task is cancelled.
    ///
    /// A process that followed until now may have been behind without knowing it, and the leader before it may have acted on
    /// what it has not seen. So everything is read first, now that nobody else writes: a term's number makes the broker
    /// believe whoever has it.
    func run(_ leadership: Leadership, overtaken: @escaping @Sendable () -> Void) async {
        guard await readEverything(leadership) else { return }
        for key in everything() {
            queue.forget(key)
            queue.add(key)
        }
        await queue.run(workers: workers) { key in await work(on: key, leadership, overtaken) }
    }

    /// Answers false when the task was cancelled before.
    private func readEverything(_ leadership: Leadership) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for cache in caches { group.addTask { await cache.readAnew() } }
                }
            }
            group.addTask {
                while (try? await environment.sleep(InformedCache.patience)) != nil { await unread(leadership) }
            }
            await group.next()
            group.cancelAll()
        }
        return !Task.isCancelled
    }

    private func work(
        on key: Key, _ leadership: Leadership, _ overtaken: @Sendable () -> Void
    ) async -> WorkQueue<Key>.Outcome {
        let began = environment.now()
        let outcome: WorkQueue<Key>.Outcome
        let result: String
        do throws(ControllerError) {
            outcome = try await reconcile(key, leadership).map { .again(after: $0) } ?? .done
            result = "ok"
        } catch {
            // Nothing failed when somebody else was faster: the newer state is about to be seen.
            outcome = error.code == "stale" ? .again(after: .milliseconds(250)) : .failed
            result = error.code
            if error.code == ControllerError.fencedCode { overtaken() }
            // The end of a term is no fault of the key's.
            logger.log(
                level: ["not_leading", "stale"].contains(error.code) ? .debug : .error, "reconciliation failed",
                metadata: [
                    "controller": "\(name)", "key": "\(key)", "code": "\(error.code)", "reason": "\(error.message)",
                ])
        }
        metrics.reconciled(name, result: result, took: environment.now() - began)
        return outcome
    }
}

/// A line of work, whatever its keys are.
protocol Working: Sendable {
    /// Reads everything that there is, and works on it for the length of a term.
    ///
    /// - Parameter overtaken: is called when the broker has heard of a later term.
    func run(_ leadership: Leadership, overtaken: @escaping @Sendable () -> Void) async
    /// Takes nothing more and lets `run` return when the line is empty.
    func shutDown()
}
