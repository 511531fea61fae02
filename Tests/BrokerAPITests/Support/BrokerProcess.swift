import Encodings
import Foundation
import TestPrograms
import TestSupport

/// The built `claviger-broker` as a process of its own, which can be killed.
final class BrokerProcess {
    private static let program = BuiltProgram("claviger-broker")

    static var isBuilt: Bool { program != nil }

    let port: Int
    private let process: RunningProgram

    private init(_ process: RunningProgram, port: Int) {
        self.process = process
        self.port = port
    }

    /// Ends the process without giving it a chance to do anything about it (SIGKILL).
    func kill() async {
        process.signal(SIGKILL)
        _ = await process.status()
    }

    /// Starts a broker on a database and waits until it listens.
    static func start(_ dsn: String, in folder: URL, admin: TestAdministrator) async throws -> BrokerProcess {
        guard let program else { throw StartFailure(log: "claviger-broker is not built") }
        let process = try program.start(
            ["--config", try configuration(in: folder, admin: admin).path], environment: ["CLAVIGER_DATABASE_URL": dsn])
        let deadline = ContinuousClock.now + .seconds(240)
        while process.isRunning, ContinuousClock.now < deadline {
            if let port = port(in: process.errorText) { return BrokerProcess(process, port: port) }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw StartFailure(log: process.errorText)
    }

    /// Runs the program with these arguments to its end, and returns its exit status.
    static func status(of arguments: String...) async throws -> Int32 {
        guard let program else { throw StartFailure(log: "claviger-broker is not built") }
        return try await program.run(arguments).status()
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

    private static func port(in log: String) -> Int? {
        guard let line = log.split(separator: "\n").first(where: { $0.contains("\"listening\"") }),
            let found = line.firstMatch(of: /"port":"?(\d+)/)
        else { return nil }
        return Int(found.1)
    }

    struct StartFailure: Error {
        let log: String
    }
}
