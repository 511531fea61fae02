public import Encodings
public import Foundation

/// The recorded inputs of a test target: its folder `Vectors`, whose ORIGIN.md says where they came from.
public protocol VectorFolder {
    /// The target's own bundle, `.module` there.
    static var bundle: Bundle { get }
}

extension VectorFolder {
    /// Where a file or folder lies.
    public static func url(_ name: String) throws -> URL {
        guard let folder = bundle.resourceURL else { throw CocoaError(.fileNoSuchFile) }
        return folder.appending(path: "Vectors/\(name)")
    }

    /// A file's bytes.
    public static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url(name))) }
    /// A file's text.
    public static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
    /// A file's JSON.
    public static func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: bytes(name)) }
}
