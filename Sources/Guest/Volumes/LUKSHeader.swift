import Crypto
import Encodings

/// The head of a LUKS2 volume: a binary part and JSON metadata, in two copies (LUKS2 On-Disk Format 1.1, section 2).
///
/// Whoever lends the disk can write there what he likes, so everything is bounded and compared before cryptsetup sees it.
struct LUKSHeader: Sendable {
    /// The binary part of one copy, in bytes.
    static let binarySize = 4096
    /// The largest head that is read, key slots included, in bytes.
    static let maximumAreaSize = 32 << 20
    private static let sizes = (14...22).map { 1 << $0 }
    private static let metadataLimits = JSONLimits(maximumBytes: 1 << 22, maximumDepth: 8, maximumValues: 4096)

    /// One copy's size in bytes: a power of two from 16 KiB to 4 MiB.
    let size: Int
    /// The volume's name in the operating system, in the form of a UUID.
    let uuid: String
    let label: String
    let subsystem: String
    let metadata: JSONObject

    /// One copy's size, told by its first bytes.
    static func size(announcedBy bytes: [UInt8]) throws(GuestError) -> Int {
        guard bytes.count >= binarySize, bytes.starts(with: Copy.primaryMagic) else {
            throw GuestError(.volumeRefused, "The device holds no LUKS2 volume.")
        }
        let announced = bytes[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let size = sizes.first(where: { UInt64($0) == announced }) else {
            throw refusal("it claims a size of \(announced) bytes")
        }
        return size
    }

    /// Reads both copies.
    ///
    /// - Parameter bytes: the device from its start on, at least as far as the second copy reaches.
    /// - Throws: `GuestError` with `volume_refused`.
    init(parsing bytes: [UInt8]) throws(GuestError) {
        size = try Self.size(announcedBy: bytes)
        guard bytes.count >= 2 * size else { throw Self.refusal("its second copy is cut off") }
        let first = try Copy(parsing: Array(bytes[..<size]), magic: Copy.primaryMagic, offset: 0)
        let second = try Copy(parsing: Array(bytes[size..<2 * size]), magic: Copy.secondaryMagic, offset: size)
        guard first.says(what: second) else { throw Self.refusal("its two copies differ") }
        (uuid, label, subsystem) = (first.uuid, first.label, first.subsystem)
        do throws(JSONError) {
            metadata = try JSONObject(parsing: first.json, limits: Self.metadataLimits)
        } catch {
            throw Self.refusal("its metadata is no JSON object: \(error.message)")
        }
    }

    static func refusal(_ reason: String) -> GuestError {
        GuestError(.volumeRefused, "The volume's header is refused: \(reason).")
    }
}

/// One of the two copies.
private struct Copy {
    static let primaryMagic: [UInt8] = [0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE]
    static let secondaryMagic: [UInt8] = [0x53, 0x4B, 0x55, 0x4C, 0xBA, 0xBE]

    let sequence: UInt64
    let label: String
    let uuid: String
    let subsystem: String
    let json: [UInt8]

    init(parsing bytes: [UInt8], magic: [UInt8], offset: Int) throws(GuestError) {
        guard let copy = try? Self.read(bytes, magic: magic, offset: offset) else {
            let which = offset == 0 ? "first" : "second"
            throw LUKSHeader.refusal("its \(which) copy is damaged, or not of a kind that is known")
        }
        self = copy
    }

    private init(sequence: UInt64, label: String, uuid: String, subsystem: String, json: [UInt8]) {
        self.sequence = sequence
        self.label = label
        self.uuid = uuid
        self.subsystem = subsystem
        self.json = json
    }

    private static func read(_ bytes: [UInt8], magic: [UInt8], offset: Int) throws(ByteReaderError) -> Copy? {
        var reader = ByteReader(bytes)
        guard try reader.bytes(6) == magic, try reader.u16BE() == 2, try reader.u64BE() == UInt64(bytes.count) else {
            return nil
        }
        let sequence = try reader.u64BE()
        let label = try reader.bytes(48)
        guard text(try reader.bytes(32)) == "sha256" else { return nil }
        try reader.skip(64)  // The salt only makes the checksums of the two copies differ.
        let (uuid, subsystem) = (try reader.bytes(40), try reader.bytes(48))
        guard try reader.u64BE() == UInt64(offset) else { return nil }
        let padding = try reader.bytes(184)
        let checksum = try reader.bytes(64)
        let morePadding = try reader.bytes(LUKSHeader.binarySize - 512)
        let area = reader.rest()
        // cryptsetup reads up to the first zero; nothing may hide behind it.
        let json = Array(area.prefix { $0 != 0 })
        guard digest(bytes) + [UInt8](repeating: 0, count: 32) == checksum,
            (padding + morePadding).allSatisfy({ $0 == 0 }),
            area.dropFirst(json.count).allSatisfy({ $0 == 0 }), let label = text(label), let uuid = text(uuid),
            let subsystem = text(subsystem), !uuid.isEmpty
        else { return nil }
        return Copy(sequence: sequence, label: label, uuid: uuid, subsystem: subsystem, json: json)
    }

    func says(what other: Copy) -> Bool {
        sequence == other.sequence && label == other.label && uuid == other.uuid && subsystem == other.subsystem
            && json == other.json
    }

    /// The checksum covers the whole copy, its own 64 bytes taken as zeros.
    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: bytes[..<448])
        hash.update(data: [UInt8](repeating: 0, count: 64))
        hash.update(data: bytes[512...])
        return Array(hash.finalize())
    }

    /// Printable text, filled up with zeros; nil for anything else.
    private static func text(_ field: [UInt8]) -> String? {
        let text = field.prefix { $0 != 0 }
        guard text.count < field.count, text.allSatisfy({ (0x20...0x7E).contains($0) }),
            field.dropFirst(text.count).allSatisfy({ $0 == 0 })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}
