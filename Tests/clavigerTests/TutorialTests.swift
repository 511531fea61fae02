import Encodings
import Foundation
import TestPrograms
import Testing

/// Runs the ten-minute tutorial of docs/policy.md as a reader would: every command of it, in its order, against a broker of
/// `claviger dev`. What a command must answer is what the page says behind its `#`.
@Suite("The tutorial", .timeLimit(.minutes(5)))
struct TutorialTests {
    @Test("each step of the tutorial does what the page says")
    func everyStep() async throws {
        let reader = try await Reader.begin()
        var files = ["demo.yaml", nil, "limit.yaml"].makeIterator()
        var commands = 0
        for block in try Self.blocks() {
            switch block.language {
            case "yaml":
                if let name = files.next() ?? nil { try reader.write(block.text, to: name) }
            case "text":
                for line in block.text.split(separator: "\n") where !line.allSatisfy(\.isWhitespace) {
                    #expect(reader.lastOutput.contains(line.trimmingCharacters(in: .whitespaces)), "\(line)")
                }
            default:
                for line in block.text.split(separator: "\n") where line != "claviger dev --ephemeral" {
                    try await reader.follow(Step(line))
                    commands += 1
                }
            }
        }
        #expect(commands >= 18)
        await reader.end()
    }

    private static func blocks() throws -> [(language: Substring, text: String)] {
        let page = try String(contentsOf: Reader.repository.appending(path: "docs/policy.md"), encoding: .utf8)
        let start = try #require(page.range(of: "## Ten minutes")).upperBound
        let end = try #require(page.range(of: "`policy lint` needs no broker")).lowerBound
        let parts = page[start..<end].components(separatedBy: "```")
        return stride(from: 1, to: parts.count, by: 2).map { index in
            let lines = parts[index].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            return (lines[0], lines.count > 1 ? String(lines[1]) : "")
        }
    }
}

/// One command line of the page, and what the page promises of it.
private struct Step {
    let command: String
    private let promise: String

    init(_ line: Substring) {
        let parts = line.components(separatedBy: "  #")
        command = parts[0].trimmingCharacters(in: .whitespaces)
        promise = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    }

    var status: Int32 {
        if promise.hasPrefix("denied") { return 2 }
        guard promise.hasPrefix("exit status "), let digit = promise.dropFirst(12).first?.wholeNumberValue else {
            return 0
        }
        return Int32(digit)
    }

    /// A text that the command must print.
    var printed: String {
        if promise.hasPrefix("denied: ") { return String(promise.dropFirst(8)) }
        return promise == "hello" ? promise : ""
    }
}

/// Somebody who follows the page in a folder of his own.
private final class Reader {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private let folder: URL
    private let broker: DevelopmentBrokerProcess
    private let environment: [String: String]
    private(set) var lastOutput = ""

    private init(folder: URL, broker: DevelopmentBrokerProcess, environment: [String: String]) {
        self.folder = folder
        self.broker = broker
        self.environment = environment
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Starts the broker of the first command.
    static func begin() async throws -> Reader {
        let program = try #require(BuiltProgram("claviger"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-tutorial-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: "Policies"), withDestinationURL: repository.appending(path: "Policies"))
        let programs = URL(filePath: program.path).deletingLastPathComponent().path
        let environment = ["PATH": "\(programs):/usr/bin:/bin", "HOME": folder.path]
        let broker = try await DevelopmentBrokerProcess.start(environment: environment)
        return Reader(
            folder: folder, broker: broker, environment: environment.merging(["CLAVIGER_HOME": broker.home]) { $1 })
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func follow(_ step: Step) async throws {
        var command = step.command
        if command.hasSuffix(" ID") { command = try await command.dropLast(2) + latestDenial() }
        let run = try await shell(command)
        lastOutput = run.outputText
        let status = await run.status()
        #expect(status == step.status, "\(step.command): \(run.outputText) \(run.errorText)")
        let printed = run.outputText + run.errorText
        #expect(step.printed.isEmpty || printed.contains(step.printed), "\(step.command): \(printed)")
    }

    func end() async {
        await broker.end()
    }

    private func latestDenial() async throws -> String {
        let list = try await shell("claviger decisions list --denied -o json")
        let decisions = try JSONValue(parsing: list.outputText)
        let rows = decisions.arrayValue ?? decisions["decisions"]?.arrayValue
        return try #require(rows?.first?["id"]?.stringValue, "\(list.outputText) \(list.errorText)")
    }

    private func shell(_ command: String) async throws -> RunningProgram {
        let run = try RunningProgram("/bin/sh", ["-c", "cd '\(folder.path)' && \(command)"], environment: environment)
        _ = await run.status()
        return run
    }
}
