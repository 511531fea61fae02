import Encodings
import Foundation

/// Files of the folder Vectors.
enum Vectors {
    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Array(data(name)))
    }

    static func text(_ name: String) throws -> String {
        try String(decoding: data(name), as: UTF8.self)
    }

    private static func data(_ name: String) throws -> Data {
        let url = Bundle.module.resourceURL?.appendingPathComponent("Vectors/\(name)")
        return try Data(contentsOf: require(url))
    }

    private static func require<T>(_ value: T?) throws -> T {
        guard let value else { throw CocoaError(.fileNoSuchFile) }
        return value
    }
}
