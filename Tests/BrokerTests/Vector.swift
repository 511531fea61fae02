import Encodings
import Foundation
import Testing

/// Files in the test bundle's `Vectors`.
enum Vector {
    static func url(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appending(path: "Vectors/\(name)")
    }

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: [UInt8](Data(contentsOf: url(name))))
    }
}
