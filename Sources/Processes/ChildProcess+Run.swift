import CLinux
import Glibc

/// What a program left that was run to its end.
public struct FinishedProcess: Sendable {
    /// Its exit status; 128 + signal if it was killed.
    public let status: Int32
    /// What it wrote to standard output and standard error, as far as the limit reaches.
    public let output: [UInt8]
}

extension ChildProcess {
    /// Runs the program to its end and returns its exit status (128 + signal if it was killed). It is killed when this
    /// process ends. Blocks the calling thread.
    ///
    /// - Throws: with the system's reason when it cannot be started.
    public func run() throws(ProcessError) -> Int32 { claviger_wait(try start(parentDeathSignal: SIGKILL)) }

    /// Runs the program to its end and returns what it wrote to both standard streams. Blocks the calling thread.
    ///
    /// It is killed when this process ends. It leads a process group of its own, and what it leaves running in that group
    /// ends with it: nobody waits for the pipe of an orphan.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that are kept; more are read and dropped.
    ///   - keepsErrors: Whether standard error is kept too; else it is dropped.
    ///   - timeout: After that long the program is killed; nil waits for as long as it takes.
    /// - Throws: with the system's reason when it cannot be started.
    public func runCapturing(
        limit: Int = 16_777_216, keepsErrors: Bool = true, timeout: Duration? = nil
    ) throws(ProcessError) -> FinishedProcess {
        var ends: [Int32] = [-1, -1]
        guard claviger_pipe(&ends) == 0 else { throw ProcessError("the system grants no pipe for \(path)") }
        defer { close(ends[0]) }
        var child = self
        child.output = ends[1]
        child.errors = keepsErrors ? nil : -1
        child.hasOwnSession = true
        let process: pid_t
        do throws(ProcessError) {
            process = try child.start(parentDeathSignal: SIGKILL)
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        let deadline = timeout.map { ContinuousClock.now + $0 }
        let output = Self.read(ends[0], until: process, orAt: deadline, limit: limit)
        if let deadline, ContinuousClock.now >= deadline { kill(-process, SIGKILL) }
        _ = claviger_await_end(process)
        kill(-process, SIGKILL)
        return FinishedProcess(status: claviger_wait(process), output: output)
    }

    /// As ``runCapturing(limit:)``, with bytes for the program's standard input, which it may leave unread.
    ///
    /// The bytes pass through a pipe and are nowhere else.
    ///
    /// - Parameter bytes: At most 32 KiB.
    /// - Throws: when they do not fit the pipe, or with the system's reason when the program cannot be started.
    public func runCapturing(
        feeding bytes: UnsafeRawBufferPointer, limit: Int = 16_777_216
    ) throws(ProcessError) -> FinishedProcess {
        var ends: [Int32] = [-1, -1]
        guard claviger_pipe(&ends) == 0 else { throw ProcessError("the system grants no pipe for \(path)") }
        defer { close(ends[0]) }
        // Nobody reads yet: what does not fit at once would wait for ever.
        let isWritten =
            bytes.count <= 32_768 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0
            && (bytes.isEmpty || write(ends[1], bytes.baseAddress, bytes.count) == bytes.count)
        close(ends[1])
        guard isWritten else { throw ProcessError("\(bytes.count) bytes of input do not fit the pipe for \(path)") }
        var child = self
        child.input = ends[0]
        return try child.runCapturing(limit: limit)
    }

    /// Reads until the end of the stream, until the process has ended and nothing more is there, or until the deadline.
    private static func read(
        _ descriptor: Int32, until process: pid_t, orAt deadline: ContinuousClock.Instant?, limit: Int
    ) -> [UInt8] {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let deadline, ContinuousClock.now >= deadline { return output }
            let hadEnded = claviger_has_ended(process)
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&watched, 1, hadEnded ? 0 : 50)
            if ready == 0 && hadEnded { return output }
            guard ready > 0 else { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return output }
            output += chunk[..<min(count, limit - output.count)]
        }
    }
}
