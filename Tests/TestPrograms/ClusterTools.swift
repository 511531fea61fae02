import Foundation
import Processes
import Testing

/// The kubectl of scripts/kubectl.sh and the Helm of scripts/helm.sh with a configuration of their own, gone with this value.
public final class ClusterTools: Sendable {
    private static let scripts = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "scripts")

    private static let kubectl: String? = {
        let child = ChildProcess(path: scripts.appending(path: "kubectl.sh").path, arguments: ["--path"])
        guard let result = try? child.runCapturing(), result.status == 0 else { return nil }
        // What the script says while it fetches comes before the path.
        return String(decoding: result.output, as: UTF8.self).split(separator: "\n").last.map(String.init)
    }()

    private let folder: URL

    /// Clients of the server that a kubeconfig names.
    public init(kubeconfig: String) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "claviger-cluster-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let file = folder.appending(path: "kubeconfig")
        try Data(kubeconfig.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Starts a command of kubectl.
    public func startKubectl(_ arguments: String...) throws -> RunningProgram {
        try start(try #require(Self.kubectl, "kubectl cannot be had here"), arguments)
    }

    /// Runs a command of kubectl to its end; its exit status, and what it wrote, errors last.
    public func kubectl(_ arguments: String...) async throws -> (status: Int32, output: String) {
        try await finished(try #require(Self.kubectl, "kubectl cannot be had here"), arguments)
    }

    /// Runs a command of Helm 3 or 4 to its end; its exit status, and what it wrote, errors last.
    public func helm(_ major: Int, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        try await finished(Self.scripts.appending(path: "helm.sh").path, ["\(major)"] + arguments)
    }

    private func finished(_ path: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        let program = try start(path, arguments)
        let status = await program.status()
        return (status, program.outputText + program.errorText)
    }

    private func start(_ path: String, _ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            path, arguments,
            environment: [
                "KUBECONFIG": folder.appending(path: "kubeconfig").path, "HOME": folder.path,
                "KUBECACHEDIR": folder.appending(path: "cache").path,
            ])
    }

    /// Writes a file that commands can name, and gives its path.
    public func file(_ name: String, _ text: String) throws -> String {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}
