import Processes

/// Work that waits for hardware, for seconds at times: it gets a thread of its own, because the Swift pool has only as many
/// threads as there are cores.
enum HardwareWork {
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(GuestError) -> Value
    ) async throws(GuestError) -> Value {
        let result: Result<Value, GuestError> = await withCheckedContinuation { continuation in
            do throws(ProcessError) {
                try DetachedThread.start("hardware") {
                    continuation.resume(returning: Result { () throws(GuestError) in try body() })
                }
            } catch {
                continuation.resume(
                    returning: .failure(GuestError(.system, "No thread for hardware: \(error.message)")))
            }
        }
        return try result.get()
    }
}
