import Compression
import Encodings
import Foundation
import Measurement
import TestInput
import Testing

enum Vectors: VectorFolder {
    static var bundle: Bundle { .module }

    /// A file that is kept compressed.
    static func unpacked(_ name: String) throws -> [UInt8] {
        try #require(Gzip.decompressed(bytes(name), limit: 8 << 20))
    }

    static func artifact(_ name: String) throws -> MemoryArtifact { MemoryArtifact(try bytes(name)) }
}

/// What a computation failed with; nil when it did not.
func failure<Value>(_ body: () throws(MeasurementError) -> Value) -> MeasurementError.Code? {
    do throws(MeasurementError) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}

extension JSONValue {
    /// A member of hexadecimal text, as its bytes.
    func hex(_ name: String) throws -> [UInt8] { try Hex.decode(#require(self[name]?.stringValue)) }
    /// A member of base64 text, as its bytes.
    func base64(_ name: String) throws -> [UInt8] { try Base64.decode(#require(self[name]?.stringValue)) }
    /// A text member.
    func text(_ name: String) throws -> String { try #require(self[name]?.stringValue) }
}
