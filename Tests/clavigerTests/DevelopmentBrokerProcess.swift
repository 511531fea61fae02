import Foundation
import TestPrograms
import Testing

/// A broker of `claviger dev`.
final class DevelopmentBrokerProcess: Sendable {
    /// Its state folder, for `CLAVIGER_HOME`.
    let home: String
    private let process: RunningProgram

    private init(home: String, process: RunningProgram) {
        self.home = home
        self.process = process
    }

    /// Starts one and waits until it says where its state lies.
    static func start(environment: [String: String]) async throws -> DevelopmentBrokerProcess {
        let process = try #require(BuiltProgram("claviger")).start(
            ["dev", "--ephemeral", "--port", "0"], environment: environment)
        var home: Substring?
        while home == nil, process.isRunning {
            home = process.outputText.firstMatch(of: /export CLAVIGER_HOME=(\S+)/)?.1
            try await Task.sleep(for: .milliseconds(50))
        }
        return DevelopmentBrokerProcess(home: String(try #require(home, "\(process.errorText)")), process: process)
    }

    /// Ends it in good order: its folder is gone then.
    func end() async {
        process.signal(SIGTERM)
        _ = await process.status()
    }
}

/// A broker that several tests use at a time: it starts with the first of them and ends with the last.
actor SharedDevelopmentBroker {
    private var process: Task<DevelopmentBrokerProcess, any Error>?
    private var users = 0

    func use(_ body: @Sendable (DevelopmentBrokerProcess) async throws -> Void) async throws {
        let started = process ?? Task { try await .start(environment: ["HOME": NSTemporaryDirectory()]) }
        process = started
        users += 1
        do {
            try await body(started.value)
        } catch {
            await leave()
            throw error
        }
        await leave()
    }

    private func leave() async {
        users -= 1
        guard users == 0, let ended = process else { return }
        process = nil
        if let broker = try? await ended.value { await broker.end() }
    }
}
