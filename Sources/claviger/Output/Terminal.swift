import Encodings
import Glibc
import Synchronization

/// The three standard streams.
enum Terminal {
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// How many characters fit on a line: of the terminal, elsewhere 100.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
        return min(Int(size.ws_col), 120)
    }

    /// Why standard output took less than it was given.
    private static let outputProblem = Mutex<Int32?>(nil)

    /// Writes a text and a line feed to standard output; to a terminal, only what cannot drive it.
    static func write(_ text: String) {
        let shown = outputIsTerminal ? text.printableLines : text
        write(Array(shown.utf8) + (shown.hasSuffix("\n") ? [] : [0x0A]), to: STDOUT_FILENO)
    }

    /// Throws when something that was written to standard output did not arrive, for instance because a disk is full: what
    /// is cut off must not pass for the whole.
    static func requireComplete() throws {
        guard let problem = outputProblem.withLock({ $0 }) else { return }
        throw CommandFailure("standard output cannot be written: \(String(cString: strerror(problem)))")
    }

    /// Writes bytes as they are to standard output.
    static func write(_ bytes: [UInt8]) {
        write(bytes, to: STDOUT_FILENO)
    }

    /// Writes a line to standard error. Messages quote brokers and files, so nothing in them drives the terminal.
    static func note(_ text: String) {
        write(Array((text.printableLines + "\n").utf8), to: STDERR_FILENO)
    }

    /// Writes a failure to standard error, under the program's name.
    static func complain(_ text: String) {
        note("claviger: " + text)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    let problem = errno
                    if descriptor == STDOUT_FILENO { outputProblem.withLock { $0 = $0 ?? problem } }
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
    }

    /// All of standard input, up to a limit.
    static func readInput(limit: Int) throws -> [UInt8] {
        try readAll(of: STDIN_FILENO, named: "standard input", limit: limit)
    }

    /// All of an open file, up to a limit.
    static func readAll(of file: Int32, named name: String, limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var problem: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let result = read(file, buffer.baseAddress, buffer.count)
                problem = result < 0 ? errno : 0
                count = max(0, result)
            }
            if problem == EINTR { continue }
            guard problem == 0 else {
                throw CommandFailure("\(name) cannot be read: \(String(cString: strerror(problem)))")
            }
            guard !chunk.isEmpty else { return bytes }
            bytes += chunk
            guard bytes.count <= limit else { throw CommandFailure("\(name) is longer than \(limit) bytes") }
        }
    }

    /// The text on one line that cannot drive a terminal.
    static func printable(_ text: String) -> String { text.printable }
}
