import Encodings
import Foundation
import TestSupport

/// The built `claviger-broker` as a process of its own, which can be killed.
final class BrokerProcess {
    /// Where the build puts the program: beside the tests.
    private static let program = Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "claviger-broker")

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: program.path) }

    let port: Int
    private let process: Process

    private init(_ process: Process, port: Int) {
        self.process = process
        self.port = port
    }

    deinit { kill() }

    /// Ends the process without giving it a chance to do anything about it (SIGKILL).
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Starts a broker on a database and waits until it listens.
    static func start(_ dsn: String, in folder: URL, admin: TestAdministrator) async throws -> BrokerProcess {
        let log = folder.appending(path: "broker-\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let process = Process()
        process.executableURL = program
        process.arguments = ["--config", try configuration(in: folder, admin: admin).path]
        process.environment = ["CLAVIGER_DATABASE_URL": dsn]
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let deadline = ContinuousClock.now + .seconds(60)
        while process.isRunning, ContinuousClock.now < deadline {
            if let port = try port(in: log) { return BrokerProcess(process, port: port) }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw StartFailure(log: (try? String(contentsOf: log, encoding: .utf8)) ?? "")
    }

    /// Runs the program with these arguments to its end, and returns its exit status.
    static func status(of arguments: String...) async throws -> Int32 {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = [:]
        process.standardError = FileHandle.nullDevice
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }

    private static func configuration(in folder: URL, admin: TestAdministrator) throws -> URL {
        let keys = folder.appending(path: "kek")
        if !FileManager.default.fileExists(atPath: keys.path) {
            let line = "one:\(Base64.encode(SecretBytes.random(count: 32).copyBytes()))\n"
            _ = FileManager.default.createFile(
                atPath: keys.path, contents: Data(line.utf8), attributes: [.posixPermissions: 0o600])
        }
        let file = folder.appending(path: "broker.yaml")
        try """
        listen: ["127.0.0.1:0"]
        keyEncryptionKeyFile: \(keys.path)
        transport: {insecurePlaintext: true}
        attestation: {allowSample: true}
        limits: {challengesPerSecond: 100000, challengeBurst: 100000}
        admin:
          mode: AuthenticatedAuthorization
          identityProviders: [{issuer: issuer, audience: kbs, publicKeyFile: "\(admin.keyFile.path)"}]
          accessList: [{role: admin, allowedEndpoints: "^/kbs/.+$"}, {role: admin, allowedEndpoints: "^/claviger/.+$"}]
        """.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    private static func port(in log: URL) throws -> Int? {
        let text = try String(contentsOf: log, encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.contains("\"listening\"") }),
            let found = line.firstMatch(of: /"port":"?(\d+)/)
        else { return nil }
        return Int(found.1)
    }

    struct StartFailure: Error {
        let log: String
    }
}
