import CLinux
import Glibc

/// Threads of their own for work that blocks: the Swift pool has only as many threads as there are cores.
public enum DetachedThread {
    private final class Work: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread, which ends when `body` returns.
    ///
    /// - Parameter name: What the system's tools show; 15 bytes of it.
    /// - Throws: when the system grants no thread.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ProcessError) {
        let work = Unmanaged.passRetained(Work(name, body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                claviger_name_thread(work.name)
                work.body()
                return nil
            }, work.toOpaque())
        guard status == 0 else {
            work.release()
            throw ProcessError("the system grants no thread for \(name)")
        }
    }
}
