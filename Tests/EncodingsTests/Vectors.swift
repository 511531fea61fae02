import Encodings
import Foundation
import TestInput

enum Vectors: VectorFolder {
    static var bundle: Bundle { .module }

    static func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: bytes("\(name).json")) }
}
