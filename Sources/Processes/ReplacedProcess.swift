import CLinux
import Glibc

/// This process, before it becomes another program: same process id, same standard streams.
public enum ReplacedProcess {
    /// Remembers blocked and ignored signals, the file mask and the open descriptors that this process was given. To be called
    /// once, before anything else runs.
    public static func noteStart() { claviger_note_start() }

    /// This process's environment, `NAME=value` each, in the bytes that the system keeps.
    public static var environment: [[UInt8]] {
        var variables: [[UInt8]] = []
        guard var next = claviger_environment() else { return [] }
        while let variable = next.pointee {
            variables.append(Array(UnsafeRawBufferPointer(start: variable, count: strlen(variable))))
            next += 1
        }
        return variables
    }

    /// Becomes another program, which inherits what ``noteStart()`` found and no descriptor that was opened since.
    ///
    /// - Parameters:
    ///   - arguments: the program, looked for in `PATH` unless its name has a slash, and its arguments; without zero bytes.
    ///   - environment: `NAME=value` each, without zero bytes.
    /// - Returns: the system's error number; only when the program could not be started.
    public static func become(_ arguments: [[UInt8]], environment: [[UInt8]]) -> Int32 {
        guard !arguments.isEmpty, !(arguments + environment).contains(where: { $0.contains(0) }) else { return EINVAL }
        return withCStrings(arguments) { arguments in
            withCStrings(environment) { claviger_become(arguments, $0) }
        }
    }

    private static func withCStrings<Value>(
        _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        let copies = texts.map { text in
            (text + [0]).withUnsafeBytes { bytes in
                bytes.baseAddress.flatMap { strdup($0.assumingMemoryBound(to: CChar.self)) }
            }
        }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
