import Foundation
import Processes
import Testing

/// The skopeo of scripts/skopeo.sh.
public enum Skopeo {
    /// The program's path; nil when none can be had on this machine (no network, no Debian).
    public static let path = found("--path")

    /// skopeo 1.2.3 of 2021, the oldest that knows key providers; nil when it cannot be had on this machine.
    public static let olderPath = found("--older")

    private static func found(_ option: String) -> String? {
        let checkout = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let script = checkout.appending(path: "scripts/skopeo.sh").path
        guard let result = try? run(script, [option], [:]), result.status == 0 else { return nil }
        // What the script says while it fetches comes before the path.
        return String(decoding: result.output, as: UTF8.self).split(separator: "\n").last.map(String.init)
    }

    /// Runs `skopeo copy` with these options, source and destination to its end.
    ///
    /// - Parameters:
    ///   - provider: The key provider `attestation-agent`, as JSON (`{"grpc": …}` or `{"cmd": …}`).
    ///   - folder: Where its configuration is written.
    /// - Returns: The exit status, and what it wrote.
    public static func copy(
        _ options: [String], provider: String, in folder: URL
    ) async throws -> (status: Int32, output: String) {
        let configuration = folder.appending(path: "ocicrypt-\(UUID().uuidString).json")
        try Data(#"{"key-providers":{"attestation-agent":\#(provider)}}"#.utf8).write(to: configuration)
        return try await run(
            try #require(path), ["copy", "--insecure-policy"] + options, configuration: configuration.path)
    }

    /// Runs a skopeo to its end.
    ///
    /// - Parameter configuration: ocicrypt's configuration file; nil for none.
    /// - Returns: The exit status, and what it wrote.
    public static func run(
        _ program: String, _ arguments: [String], configuration: String?
    ) async throws -> (status: Int32, output: String) {
        let environment = configuration.map { ["OCICRYPT_KEYPROVIDER_CONFIG": $0] } ?? [:]
        // On a thread of its own: the servers that it calls need the test's threads.
        let result: Result<FinishedProcess, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result { try run(program, arguments, environment) })
            }
        }
        let finished = try result.get()
        return (finished.status, String(decoding: finished.output, as: UTF8.self))
    }

    private static func run(
        _ program: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> FinishedProcess {
        var child = ChildProcess(path: program, arguments: arguments)
        child.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        child.fileMask = 0o022
        return try child.runCapturing()
    }
}
