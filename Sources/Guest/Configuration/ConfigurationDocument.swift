import Encodings

/// A configuration file's tables, with errors that name file and key.
struct ConfigurationDocument: Sendable {
    private static let maximumBytes = 1_048_576

    private let name: String
    let root: JSONObject

    /// Reads a file: JSON when it is called so, else TOML.
    init(path: String) throws(GuestError) {
        let bytes = try SmallFile.read(path, limit: Self.maximumBytes, as: "configuration file")
        guard let text = String(validating: bytes.copyBytes(), as: UTF8.self) else {
            throw GuestError(.invalidRequest, "The configuration file \(path) is not UTF-8.")
        }
        try self.init(text, name: path)
    }

    init(_ text: String, name: String) throws(GuestError) {
        self.name = name
        if name.hasSuffix(".json") {
            guard let object = try? JSONObject(parsing: Array(text.utf8)) else {
                throw GuestError(.invalidRequest, "The configuration file \(name) is no JSON object.")
            }
            root = object
        } else {
            do throws(TOMLError) {
                root = try TOMLDocument.parse(text)
            } catch {
                throw GuestError(
                    .invalidRequest,
                    "The configuration file \(name) is no valid TOML: \(error.message) (line \(error.line)).")
            }
        }
    }

    func text(_ path: String...) throws(GuestError) -> String? {
        guard let value = try value(path) else { return nil }
        guard let text = value.stringValue else { throw error(path, "is no text") }
        return text
    }

    func flag(_ path: String...) throws(GuestError) -> Bool? {
        guard let value = try value(path) else { return nil }
        guard let flag = value.boolValue else { throw error(path, "is neither true nor false") }
        return flag
    }

    func number(_ path: String...) throws(GuestError) -> Int? {
        guard let value = try value(path) else { return nil }
        guard let number = value.intValue.flatMap({ Int(exactly: $0) }) else { throw error(path, "is no whole number") }
        return number
    }

    func tables(_ path: String...) throws(GuestError) -> [JSONObject] {
        guard let value = try value(path) else { return [] }
        var tables: [JSONObject] = []
        for element in value.arrayValue ?? [value] {
            guard let table = element.objectValue else { throw error(path, "is no array of tables") }
            tables.append(table)
        }
        return tables
    }

    /// The keys of a table that have a value, with the table's name.
    func names(_ table: String) throws(GuestError) -> [String] {
        guard let value = try value([table]) else { return [] }
        guard let object = value.objectValue else { throw error([table], "is no table") }
        return object.names.filter { object[$0] != .null }.map { "\(table).\($0)" }
    }

    func error(_ path: [String], _ reason: String) -> GuestError {
        GuestError(.invalidRequest, "In the configuration file \(name), \(path.joined(separator: ".")) \(reason).")
    }

    /// JSON's null stands for a key that is not given.
    private func value(_ path: [String]) throws(GuestError) -> JSONValue? {
        var value = JSONValue.object(root)
        for (depth, key) in path.enumerated() {
            guard let table = value.objectValue else { throw error(Array(path[..<depth]), "is no table") }
            guard let next = table[key], next != .null else { return nil }
            value = next
        }
        return value
    }
}
