import FoundationEssentials
import Glibc
import Processes

/// Where PostgreSQL's server programs lie.
struct PostgresPrograms: Sendable {
    let folder: String

    var initdb: String { folder + "/initdb" }
    var postgres: String { folder + "/postgres" }

    /// Looks where `pg_config` points, into the folders of distributions (the newest version first), and along `PATH`.
    ///
    /// - Throws: `unavailable` when there is no server.
    static func find() throws(StorageError) -> PostgresPrograms {
        let path = ProcessInfo.processInfo.environment["PATH"].map { $0.split(separator: ":").map(String.init) } ?? []
        for folder in configured(path) + distributed() + path where holdsServer(folder) {
            return PostgresPrograms(folder: folder)
        }
        throw .unavailable(
            "no PostgreSQL server programs (initdb, postgres) were found: install PostgreSQL 15 or newer, or name a database"
        )
    }

    private static func holdsServer(_ folder: String) -> Bool {
        access(folder + "/initdb", X_OK) == 0 && access(folder + "/postgres", X_OK) == 0
    }

    private static func distributed() -> [String] {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" } + [
            "/usr/local/pgsql/bin"
        ]
    }

    private static func configured(_ path: [String]) -> [String] {
        guard let program = path.map({ $0 + "/pg_config" }).first(where: { access($0, X_OK) == 0 }),
            let answer = try? ChildProcess(path: program, arguments: ["--bindir"]).runCapturing(limit: 4096),
            answer.status == 0
        else { return [] }
        return String(decoding: answer.output, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }
}
