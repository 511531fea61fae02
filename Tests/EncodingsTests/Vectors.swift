import Encodings
import Foundation

/// Access to the recorded inputs beside the tests.
enum Vectors {
    struct Missing: Error {}

    static func json(_ name: String) throws -> JSONValue {
        guard let url = Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json") else {
            throw Missing()
        }
        return try JSONValue(parsing: [UInt8](Data(contentsOf: url)))
    }
}
