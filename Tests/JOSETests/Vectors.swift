import Encodings
import Foundation
import TestInput
import Testing

@testable import JOSE

enum Vectors: VectorFolder {
    static var bundle: Bundle { .module }

    static func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: bytes("\(name).json")) }
}

extension JSONValue {
    /// A string that a vector must have.
    func text(_ member: String) throws -> String {
        try #require(self[member]?.stringValue)
    }

    /// A member that a vector must have.
    func member(_ name: String) throws -> JSONValue {
        try #require(self[name])
    }

    /// An object that a vector must have.
    func object(_ member: String) throws -> JSONObject {
        try #require(self[member]?.objectValue)
    }
}

/// The code of the error that `body` throws, or `nil` when it throws none.
func errorCode(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as JOSEError {
        return error.code
    } catch {
        return "another kind of error"
    }
}

/// The decoded header of a flattened JWE.
func headerText(_ jwe: [UInt8]) throws -> String {
    let message = try JSONValue(parsing: jwe)
    return String(decoding: try Base64.decodeURL(message.text("protected")), as: UTF8.self)
}
