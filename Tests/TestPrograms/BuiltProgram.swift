import Foundation

/// One of this package's programs, as the build left it beside the tests.
public struct BuiltProgram: Sendable {
    /// Where it lies.
    public let path: String

    /// Looks for a program by its name; nil when it is not built.
    public init?(_ name: String) {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        path = tests.deletingLastPathComponent().appending(path: name).path
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    }

    /// Starts it with nothing in its environment but what is named, a plain `PATH`, and no backtraces.
    public func start(_ arguments: [String], environment: [String: String] = [:]) throws -> RunningProgram {
        try RunningProgram(path, arguments, environment: environment)
    }

    /// Runs it to its end.
    public func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> RunningProgram {
        let program = try start(arguments, environment: environment)
        _ = await program.status()
        return program
    }
}
