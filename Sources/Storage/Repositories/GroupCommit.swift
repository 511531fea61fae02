import Synchronization

/// Collects what concurrent callers hand in while a commit is under way and hands it on as one batch, so that many
/// durable writes cost one flush of the disk. A caller is resumed only when its batch is committed or has failed.
final class GroupCommit<Element: Sendable>: Sendable {
    typealias Commit = @Sendable ([Element]) async throws(StorageError) -> Void

    private struct Waiting {
        let element: Element
        let continuation: CheckedContinuation<Result<Void, StorageError>, Never>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isCommitting = false
    }

    private let state = Mutex(State())
    private let batchLimit: Int
    private let queueLimit: Int
    private let commit: Commit

    init(batchLimit: Int, queueLimit: Int, commit: @escaping Commit) {
        self.batchLimit = batchLimit
        self.queueLimit = queueLimit
        self.commit = commit
    }

    /// Returns when the element is durable. Not cut short by cancellation: it ends with the commit's own deadline.
    func append(_ element: Element) async throws(StorageError) {
        let result: Result<Void, StorageError> = await withCheckedContinuation { continuation in
            let (isAccepted, isFirst) = state.withLock { state in
                guard state.waiting.count < queueLimit else { return (false, false) }
                state.waiting.append(Waiting(element: element, continuation: continuation))
                defer { state.isCommitting = true }
                return (true, !state.isCommitting)
            }
            if !isAccepted {
                continuation.resume(returning: .failure(.unavailable("too many writes wait for the disk")))
            }
            if isFirst { Task { await commitAll() } }
        }
        try result.get()
    }

    /// How many elements wait for the commit after the one under way.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func commitAll() async {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(batchLimit))
                state.waiting.removeFirst(batch.count)
                state.isCommitting = !batch.isEmpty
                return batch
            }
            if batch.isEmpty { return }
            await settle(batch)
        }
    }

    /// Commits a batch; answers the outage that ended it, if one did.
    @discardableResult
    private func settle(_ batch: [Waiting]) async -> StorageError? {
        do {
            try await commit(batch.map(\.element))
            for waiting in batch { waiting.continuation.resume(returning: .success(())) }
            return nil
        } catch {
            guard !error.isUnavailable, batch.count > 1 else {
                for waiting in batch { waiting.continuation.resume(returning: .failure(error)) }
                return error.isUnavailable ? error : nil
            }
            return await settleOneByOne(batch)
        }
    }

    /// One element that cannot be stored must not take its neighbours along; but nobody waits for more than one outage.
    private func settleOneByOne(_ batch: [Waiting]) async -> StorageError? {
        var outage: StorageError?
        for waiting in batch {
            if let outage {
                waiting.continuation.resume(returning: .failure(outage))
            } else {
                outage = await settle([waiting])
            }
        }
        return outage
    }
}
