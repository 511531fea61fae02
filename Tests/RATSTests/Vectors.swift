import Encodings
import Foundation

/// Files of the folder Vectors.
enum Vectors {
    static func json(_ name: String) throws -> JSONValue {
        let url = Bundle.module.resourceURL?.appendingPathComponent("Vectors/\(name)")
        return try JSONValue(parsing: Array(Data(contentsOf: require(url))))
    }

    private static func require<T>(_ value: T?) throws -> T {
        guard let value else { throw CocoaError(.fileNoSuchFile) }
        return value
    }
}
