import Foundation
import Testing

@testable import Processes

@Suite("Children of this process", .timeLimit(.minutes(5)))
struct SupervisedProcessTests {
    private static func sleeper() -> ChildProcess { ChildProcess(path: "/bin/sleep", arguments: ["600"]) }

    /// Whether a process runs; one that ended and waits for its parent does not.
    private static func runs(_ process: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !stat.contains(") Z ")
    }

    @Test("a child ends with a parent that is killed, though the thread that asked for it was gone before")
    func killedParent() async throws {
        let marker = "/tmp/claviger-child-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: marker) }
        await #expect(processExitsWith: .signal(SIGKILL)) { [marker = marker as String] in
            let child: SupervisedProcess = try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try SupervisedProcess.start(Self.sleeper()) })
                }
            }
            try "\(try #require(child.id))".write(toFile: marker, atomically: true, encoding: .utf8)
            kill(getpid(), SIGKILL)
        }
        let child = try #require(Int32(try String(contentsOfFile: marker, encoding: .utf8)))
        let deadline = ContinuousClock.now + .seconds(240)
        while Self.runs(child), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!Self.runs(child))
    }

    @Test("a child outlives the thread that asked for it")
    func endedThread() async throws {
        let (child, thread): (SupervisedProcess, String) = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let thread = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
                        return (try SupervisedProcess.start(Self.sleeper()), thread)
                    })
            }
        }
        while FileManager.default.fileExists(atPath: "/proc/\(thread)") {
            try await Task.sleep(for: .milliseconds(5))
        }
        // The kernel sends the signal before it takes the thread out of that folder.
        let process = try #require(child.id)
        #expect(Self.runs(process))
        child.signal(SIGTERM)
        #expect(await child.ended() == 128 + SIGTERM)
        #expect(child.id == nil)
    }

    @Test("a child inherits its three standard streams and nothing else")
    func descriptors() throws {
        let open = open("/dev/zero", O_RDONLY)
        defer { close(open) }
        #expect(open > 2)
        let result = try ChildProcess(path: "/bin/ls", arguments: ["/proc/self/fd"]).runCapturing()
        // The fourth is the folder that is listed.
        #expect(String(decoding: result.output, as: UTF8.self) == "0\n1\n2\n3\n")
    }

    @Test("an orphan that holds the output does not keep the caller waiting, and ends")
    func orphan() throws {
        let result = try ChildProcess(
            path: "/bin/sh", arguments: ["-c", "sleep 600 & echo $!; exit 7"]
        ).runCapturing()
        #expect(result.status == 7)
        let orphan = try #require(Int32(String(decoding: result.output, as: UTF8.self).filter(\.isNumber)))
        let deadline = ContinuousClock.now + .seconds(240)
        while Self.runs(orphan), ContinuousClock.now < deadline { usleep(10_000) }
        #expect(!Self.runs(orphan))
    }

    @Test("more output than is wanted is dropped, and the program still runs to its end")
    func longOutput() throws {
        let result = try ChildProcess(
            path: "/bin/sh", arguments: ["-c", "head -c 300000 /dev/zero; exit 3"]
        ).runCapturing(limit: 1000)
        #expect(result.output.count == 1000 && result.status == 3)
    }

    @Test("a program that takes too long is killed with all it started, and what it wrote until then is there")
    func timeout() throws {
        let begin = ContinuousClock.now
        let result = try ChildProcess(path: "/bin/sh", arguments: ["-c", "echo $$; sleep 600 & wait"])
            .runCapturing(timeout: .milliseconds(500))
        #expect(result.status == 137)
        #expect(ContinuousClock.now - begin < .seconds(60))
        let shell = try #require(Int32(String(decoding: result.output, as: UTF8.self).filter(\.isNumber)))
        #expect(!Self.runs(shell))
        let quick = try ChildProcess(path: "/bin/sh", arguments: ["-c", "exit 4"]).runCapturing(timeout: .seconds(60))
        #expect(quick.status == 4)
    }

    @Test("standard error is kept with the output, or dropped")
    func errors() throws {
        let child = ChildProcess(path: "/bin/sh", arguments: ["-c", "echo out; echo error >&2"])
        #expect(try child.runCapturing().output == Array("out\nerror\n".utf8))
        #expect(try child.runCapturing(keepsErrors: false).output == Array("out\n".utf8))
    }

    @Test("standard output and standard error go where they are told to, also when they are exchanged")
    func streams() throws {
        var child = ChildProcess(path: "/bin/sh", arguments: ["-c", "echo out; echo error >&2"])
        var ends: [[Int32]] = []
        for _ in 0..<2 {
            var pair: [Int32] = [-1, -1]
            #expect(pipe(&pair) == 0)
            ends.append(pair)
        }
        child.output = ends[0][1]
        child.errors = ends[1][1]
        #expect(try child.run() == 0)
        for (pair, text) in zip(ends, ["out\n", "error\n"]) {
            close(pair[1])
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = read(pair[0], &bytes, bytes.count)
            #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == text)
            close(pair[0])
        }
    }

    @Test("a program that is not there is named")
    func missing() {
        let error = #expect(throws: ProcessError.self) {
            try SupervisedProcess.start(ChildProcess(path: "/nonexistent/program", arguments: []))
        }
        #expect(error?.message.contains("/nonexistent/program") == true)
    }
}
