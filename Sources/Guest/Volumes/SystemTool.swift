import Encodings
import Glibc
import Processes

/// A program of the system that makes, opens or formats volumes.
struct SystemTool: Sendable {
    static let cryptsetup = SystemTool(name: "cryptsetup", package: "cryptsetup-bin")
    static let makeExt4 = SystemTool(name: "mkfs.ext4", package: "e2fsprogs")

    /// Most of what a program says that is kept for its error message, in bytes.
    private static let outputLimit = 65_536

    let name: String
    let package: String

    struct Outcome: Sendable {
        let status: Int32
        let output: String

        /// What went wrong, for an error message: the last lines, on one line.
        var reason: String {
            let lines = output.split(separator: "\n").suffix(3).map { $0.prefix(200).printable }
            return lines.isEmpty ? "status \(status)" : lines.joined(separator: " ")
        }
    }

    private var path: String? {
        ["/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
    }

    /// Runs the program to its end, on a thread of its own.
    ///
    /// - Parameter input: what it reads from standard input; a key never stands in the arguments, which others can see.
    /// - Throws: `GuestError` with `volume_failed` when it cannot be started.
    func run(_ arguments: [String], input: SecretBytes? = nil) async throws(GuestError) -> Outcome {
        guard let path else {
            throw GuestError(.volume, "The program \(name) is missing (Debian package \(package)).")
        }
        var child = ChildProcess(path: path, arguments: arguments)
        // Without a running udev nobody would answer the device mapper library.
        if access("/run/udev/control", F_OK) != 0 { child.environment.append("DM_DISABLE_UDEV=1") }
        let prepared = child
        let result: Result<FinishedProcess, ProcessError> = await withCheckedContinuation { continuation in
            do throws(ProcessError) {
                try DetachedThread.start("claviger-volume") {
                    continuation.resume(returning: Self.run(prepared, input))
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        switch result {
        case .success(let finished):
            return Outcome(status: finished.status, output: String(decoding: finished.output, as: UTF8.self))
        case .failure(let error):
            throw GuestError(.volume, "\(error.message).")
        }
    }

    private static func run(_ child: ChildProcess, _ input: SecretBytes?) -> Result<FinishedProcess, ProcessError> {
        do throws(ProcessError) {
            guard let input else { return .success(try child.runCapturing(limit: outputLimit)) }
            return .success(
                try input.withUnsafeBytes { (bytes) throws(ProcessError) in
                    try child.runCapturing(feeding: bytes, limit: outputLimit)
                })
        } catch {
            return .failure(error)
        }
    }
}
