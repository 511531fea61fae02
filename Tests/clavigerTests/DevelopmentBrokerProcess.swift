import Foundation
import TestPrograms
import Testing

/// A broker of `claviger dev`, which ends with this value.
final class DevelopmentBrokerProcess: Sendable {
    /// Its state folder, for `CLAVIGER_HOME`.
    let home: String
    private let process: RunningProgram

    private init(home: String, process: RunningProgram) {
        self.home = home
        self.process = process
    }

    deinit { process.signal(SIGTERM) }

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
}
