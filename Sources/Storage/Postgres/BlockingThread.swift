import Processes

/// Runs work that blocks on a thread of its own, because the Swift pool has only as many threads as there are cores.
enum BlockingThread {
    /// Starts a detached thread.
    ///
    /// - Throws: `unavailable` when the system grants no thread.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(StorageError) {
        do throws(ProcessError) {
            try DetachedThread.start(name, body)
        } catch {
            throw .unavailable(error.message)
        }
    }

    /// Runs `body` on a new thread and waits for its result without blocking the caller's thread.
    static func run<Value: Sendable>(
        _ name: String, _ body: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            do throws(StorageError) {
                try start(name) {
                    continuation.resume(returning: Result { () throws(StorageError) in try body() })
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }
}
