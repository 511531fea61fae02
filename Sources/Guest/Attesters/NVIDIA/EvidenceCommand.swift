import Encodings
import Processes

/// A program that prints evidence as JSON; it is given a nonce.
public struct EvidenceCommand: Sendable, Hashable {
    static let mostOutputBytes = 4_194_304
    private static let placeholder = "{nonce}"

    /// The program's path.
    public let path: String
    /// Its arguments; the nonce in hexadecimal stands in for `{nonce}`.
    public let arguments: [String]
    /// How long it may take.
    var timeout = Duration.seconds(60)

    /// Reads a command line: a path and arguments between spaces. There is no shell and no quoting.
    ///
    /// - Throws: `GuestError` with `invalid_request` when the path is not absolute or no argument holds `{nonce}`.
    public init(_ line: String) throws(GuestError) {
        let words = line.split(separator: " ").map(String.init)
        guard let path = words.first, path.hasPrefix("/"), words.dropFirst().contains(where: { $0.contains("{nonce}") })
        else {
            throw GuestError(
                .invalidRequest,
                "A command for evidence is an absolute path and arguments, one of them with {nonce}; for example "
                    + "“/usr/bin/nvattest collect-evidence --device gpu --format json --nonce {nonce}”.")
        }
        self.path = path
        arguments = Array(words.dropFirst())
    }

    /// What the program prints for this nonce; blocks the calling thread.
    ///
    /// - Throws: `GuestError` with `evidence_failed`, naming the program, also when it does not exist.
    func output(nonce: [UInt8]) throws(GuestError) -> [UInt8] {
        let arguments = arguments.map { Self.filled($0, with: Hex.encode(nonce)) }
        let finished: FinishedProcess
        do throws(ProcessError) {
            finished = try ChildProcess(path: path, arguments: arguments)
                .runCapturing(limit: Self.mostOutputBytes + 1, keepsErrors: false, timeout: timeout)
        } catch {
            throw GuestError(.evidence, "\(error.message).")
        }
        guard finished.status == 0 else {
            throw GuestError(
                .evidence,
                "\(path) ended with status \(finished.status)"
                    + (finished.status == 137 ? ", perhaps because it took more than \(timeout)." : "."))
        }
        guard finished.output.count <= Self.mostOutputBytes else {
            throw GuestError(.evidence, "\(path) printed more than \(Self.mostOutputBytes) bytes.")
        }
        return finished.output
    }

    private static func filled(_ argument: String, with nonce: String) -> String {
        argument.split(separator: placeholder, omittingEmptySubsequences: false).joined(separator: nonce)
    }
}
