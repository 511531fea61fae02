import Foundation
import Processes

/// A program that a test started. It ends with the test process, and at the latest when nobody holds this value.
public final class RunningProgram: Sendable {
    private let process: SupervisedProcess
    private let output: Capture
    private let errors: Capture

    /// Starts a program; its standard streams go to files without a name.
    public init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        output = try Capture()
        errors = try Capture()
        var child = ChildProcess(path: path, arguments: arguments)
        child.environment =
            environment.merging(["SWIFT_BACKTRACE": "enable=no", "PATH": "/usr/bin:/bin"]) { given, _ in given }
            .map { "\($0)=\($1)" }
        child.output = output.descriptor
        child.errors = errors.descriptor
        child.fileMask = 0o022
        process = try SupervisedProcess.start(child)
    }

    deinit { process.signal(SIGKILL) }

    /// Its process id; nil once it has ended.
    public var id: Int32? { process.id }
    /// Whether it has not ended yet.
    public var isRunning: Bool { process.isRunning }
    /// What it wrote to standard output so far.
    public var outputText: String { output.text }
    /// What it wrote to standard error so far.
    public var errorText: String { errors.text }

    /// Sends a signal, if it still runs.
    public func signal(_ number: Int32) { process.signal(number) }

    /// Waits for its end; the exit status, or 128 + signal.
    public func status() async -> Int32 { await process.ended() }
}

/// A temporary file that only its descriptor leads to.
private final class Capture: Sendable {
    let descriptor: Int32

    init() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "claviger-stream-\(UUID().uuidString)").path
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        unlink(path)
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = pread(descriptor, &chunk, chunk.count, bytes.count), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
