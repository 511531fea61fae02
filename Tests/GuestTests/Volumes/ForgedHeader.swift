import Crypto
import Encodings
import Foundation

@testable import Guest

/// A LUKS2 header as somebody writes it who lends the disk: any metadata, with checksums that are right.
struct ForgedHeader {
    var metadata: JSONObject
    var size = 16384
    var uuid = "0a1b2c3d-0000-4000-8000-0123456789ab"
    var sequence: UInt64 = 3
    /// What follows the text of the metadata.
    var hidden: [UInt8] = []
    /// In place of the text of the metadata.
    var text: [UInt8]?

    init(_ metadata: JSONObject) { self.metadata = metadata }

    /// What cryptsetup 2.6 wrote for the reference's command line.
    static func recorded(integrity: Bool = false) throws -> ForgedHeader {
        let name = integrity ? "luks/integrity.json" : "luks/plain.json"
        return ForgedHeader(try JSONObject(parsing: Vectors.bytes(name)))
    }

    /// Puts a value at a pointer such as `/keyslots/0/kdf/time`; nil removes the member.
    mutating func set(_ pointer: String, _ value: JSONValue?) {
        metadata =
            Self.setting(.object(metadata), pointer.split(separator: "/").map(String.init)[...], value).objectValue
            ?? metadata
    }

    private static func setting(_ target: JSONValue, _ path: ArraySlice<String>, _ value: JSONValue?) -> JSONValue {
        guard let name = path.first else { return value ?? .null }
        var object = target.objectValue ?? JSONObject()
        object[name] =
            path.count == 1 ? value : setting(object[name] ?? .object([:]), path.dropFirst(), value)
        return .object(object)
    }

    /// Both copies.
    var bytes: [UInt8] { copy(primary: true) + copy(primary: false) }

    func copy(primary: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        func put(_ field: [UInt8], at offset: Int) {
            for (index, byte) in field.enumerated() { bytes[offset + index] = byte }
        }
        func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }
        put(Array((primary ? "LUKS" : "SKUL").utf8) + [0xBA, 0xBE, 0, 2], at: 0)
        put(number(UInt64(size)), at: 8)
        put(number(sequence), at: 16)
        put(Array("sha256".utf8), at: 72)
        put([UInt8](repeating: primary ? 1 : 2, count: 64), at: 104)
        put(Array(uuid.utf8), at: 168)
        put(number(primary ? 0 : UInt64(size)), at: 256)
        let json = text ?? metadata.serialized()
        put(json + [0] + hidden, at: 4096)
        put(Array(SHA256.hash(data: bytes)), at: 448)
        return bytes
    }

    /// With key slots behind, as a device has it.
    func area(slots: UInt8 = 0x5A) throws -> [UInt8] {
        let bytes = bytes
        let size = try LUKSMetadata(LUKSHeader(parsing: bytes)).areaSize
        return bytes + [UInt8](repeating: slots, count: size - bytes.count)
    }
}
