import Encodings
import FoundationEssentials
import Glibc

/// The folder in which `claviger dev` keeps its keys and from which the other commands learn where the broker is.
struct StateFolder {
    let path: String

    /// The folder of `--home`, of CLAVIGER_HOME, or `.claviger` in the user's home; root's is /var/lib/claviger, because
    /// the database runs as another user, who cannot enter root's home.
    init(home: String?) throws {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = home ?? environment["CLAVIGER_HOME"], !chosen.isEmpty {
            path = chosen
        } else if geteuid() == 0 {
            path = "/var/lib/claviger"
        } else if let user = environment["HOME"], !user.isEmpty {
            path = user + "/.claviger"
        } else {
            throw CommandFailure("no state folder: set CLAVIGER_HOME or HOME")
        }
    }

    /// A path that holds from every working directory.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// How to reach the broker that runs from this folder; nil when none was started.
    func context() throws -> BrokerContext? {
        guard FileManager.default.fileExists(atPath: file(BrokerContext.fileName)) else { return nil }
        return try BrokerContext(parsing: InputFile.read(file(BrokerContext.fileName), limit: 65_536))
    }
}

/// What `claviger dev` tells the other commands and scripts: `context.json`, and the file of `--ready-file`.
struct BrokerContext {
    static let fileName = "context.json"

    let url: String
    let caFile: String
    let tokenFile: String
    let home: String

    init(url: String, caFile: String, tokenFile: String, home: String) {
        self.url = url
        self.caFile = caFile
        self.tokenFile = tokenFile
        self.home = home
    }

    init(parsing bytes: [UInt8]) throws {
        let value = try JSONValue(parsing: bytes)
        func text(_ name: String) throws -> String {
            guard let text = value[name]?.stringValue else {
                throw CommandFailure("\(Self.fileName) of the state folder has no \(name)")
            }
            return text
        }
        self.init(
            url: try text("url"), caFile: try text("caFile"), tokenFile: try text("tokenFile"), home: try text("home"))
    }

    func serialized() -> [UInt8] {
        let value: JSONValue = [
            "url": .string(url), "caFile": .string(caFile), "tokenFile": .string(tokenFile), "home": .string(home),
        ]
        return Array((value.pretty() + "\n").utf8)
    }
}
