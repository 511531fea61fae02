import Crypto
import Encodings

@testable import Guest

#if canImport(Glibc)
    import Glibc
#endif

/// A volume's head as whoever lends the disk writes it: he can make every checksum right.
extension FuzzTarget {
    func luks(_ bytes: [UInt8]) {
        volume(bytes)
        if let size = try? LUKSHeader.size(announcedBy: bytes), bytes.count >= 2 * size {
            volume(Self.repaired(Array(bytes[..<size])) + Self.repaired(Array(bytes[size..<2 * size])))
        }
        guard (try? JSONObject(parsing: Array(bytes.prefix { $0 != 0 }))) != nil else { return }
        let size = LUKSDraft.size
        volume(LUKSDraft.copy(of: bytes, at: 0) + LUKSDraft.copy(of: bytes, at: size))
    }

    private func volume(_ bytes: [UInt8]) {
        guard let header = try? LUKSHeader(parsing: bytes) else { return }
        // Another reader of the text, such as cryptsetup, sees what was checked here.
        guard (try? JSONObject(parsing: header.metadata.serialized())) == header.metadata else { abort() }
        guard let metadata = try? LUKSMetadata(header) else { return }
        guard metadata.areaSize <= LUKSHeader.maximumAreaSize, metadata.keyslot.lowerBound >= 2 * header.size,
            metadata.keyslot.upperBound <= metadata.areaSize, metadata.dataOffset >= 0
        else { abort() }
    }

    private static func repaired(_ copy: [UInt8]) -> [UInt8] {
        var copy = copy
        copy.replaceSubrange(448..<512, with: [UInt8](repeating: 0, count: 64))
        copy.replaceSubrange(448..<480, with: Array(SHA256.hash(data: copy)))
        return copy
    }

    /// A binary part that is right, around any metadata.
    private enum LUKSDraft {
        static let size = 16_384

        static func copy(of metadata: [UInt8], at offset: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: size)
            func put(_ field: some Collection<UInt8>, at start: Int) {
                bytes.replaceSubrange(start..<start + field.count, with: field)
            }
            put(Array((offset == 0 ? "LUKS" : "SKUL").utf8) + [0xBA, 0xBE, 0, 2], at: 0)
            put([UInt8(size >> 8), UInt8(size & 0xFF)], at: 14)
            put(Array("sha256".utf8), at: 72)
            put(Array("0a1b2c3d-0000-4000-8000-0123456789ab".utf8), at: 168)
            put([UInt8(offset >> 8), UInt8(offset & 0xFF)], at: 262)
            put(metadata.prefix(size - LUKSHeader.binarySize), at: LUKSHeader.binarySize)
            return repaired(bytes)
        }
    }
}
