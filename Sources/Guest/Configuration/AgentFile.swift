import Encodings

/// The agent's own configuration: sections of settings, each of which is also an option of the command line, and the
/// secrets of the pod. It is a file of its own, or the table `claviger` of an `aa.toml` or `cdh.toml`.
public struct AgentFile: Sendable, Hashable {
    /// What a setting's value is.
    enum Kind: Sendable {
        case text, list, flag, number
    }

    /// The secrets of the pod.
    public private(set) var secrets: [PodSecret] = []
    private var values: [String: [String]] = [:]

    /// A file that says nothing.
    public init() {}

    /// Reads a file; unknown sections and keys are errors.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the key.
    public init(path: String) throws(GuestError) {
        try self.init(ConfigurationDocument(path: path).root)
    }

    /// Reads the table `claviger` of a reference's file. Beside sections it may hold the two switches that it always had.
    init(table: JSONObject) throws(GuestError) {
        let switches: Set<String> = ["allow_http", "allow_sample"]
        try self.init(JSONObject(table.compactMap { switches.contains($0.name) ? nil : ($0.name, $0.value) }))
    }

    init(_ root: JSONObject) throws(GuestError) {
        for (section, value) in root {
            if section == "secret" {
                secrets = try Self.secrets(value)
                continue
            }
            guard let keys = Self.sections[section] else {
                throw GuestError(.invalidRequest, "In the configuration, \(section.printable) is no known section.")
            }
            guard let table = value.objectValue else {
                throw GuestError(.invalidRequest, "In the configuration, \(section) is no table.")
            }
            let reader = TableReader(table, name: section)
            try reader.permit(Set(keys.keys))
            for (key, place) in keys { values[place.option] = try reader.settings(key, place.kind) }
        }
        var files: Set<String> = []
        for path in secrets.compactMap(\.file?.path) where !files.insert(path).inserted {
            throw GuestError(.invalidRequest, "In the configuration, two secrets have the file \(path).")
        }
    }

    /// What stands for an option of the command line; empty when nothing does. Switches are `true` or `false`.
    ///
    /// - Parameter option: its name without dashes in front, such as `kbs-url`.
    public func values(of option: String) -> [String] { values[option] ?? [] }

    private static func secrets(_ value: JSONValue) throws(GuestError) -> [PodSecret] {
        guard let tables = value.arrayValue else {
            throw GuestError(.invalidRequest, "In the configuration, secret is no array of tables: write [[secret]].")
        }
        var secrets: [PodSecret] = []
        for table in tables {
            guard let table = table.objectValue else {
                throw GuestError(.invalidRequest, "In the configuration, a secret is no table.")
            }
            secrets.append(try PodSecret(table))
        }
        return secrets
    }
}

extension TableReader {
    fileprivate func settings(_ key: String, _ kind: AgentFile.Kind) throws(GuestError) -> [String]? {
        switch kind {
        case .text: return try text(key).map { [$0] }
        case .flag: return try flag(key).map { [$0 ? "true" : "false"] }
        case .number: return try number(key).map { [$0] }
        case .list: return try texts(key)
        }
    }
}
