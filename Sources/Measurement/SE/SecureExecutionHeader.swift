/// The header of a Secure Execution image for IBM Z: its keys and digests identify the image.
public struct SecureExecutionHeader: Sendable, Hashable {
    /// More than any header takes.
    public static let maximumSize = 65_536
    private static let magic = Array("IBMSecEx".utf8)
    private static let version: UInt32 = 0x100
    /// What stands before the key slots.
    private static let fixedSize = 416
    private static let slotSize = 80
    private static let tagSize = 16

    /// Page-list digest: 64 bytes.
    public let pageListDigest: [UInt8]
    /// Address-list digest: 64 bytes.
    public let addressListDigest: [UInt8]
    /// Tweak-list digest: 64 bytes.
    public let tweakListDigest: [UInt8]
    /// The hashes of the host keys that can open the image: 32 bytes each.
    public let hostKeyHashes: [[UInt8]]
    /// The authentication tag, 16 bytes, which no other image has.
    public let tag: [UInt8]

    /// Reads a header: `bytes` may go on behind it.
    ///
    /// - Throws: `malformed_image` for lengths that contradict each other, `unsupported_image` for an unknown version.
    public init(parsing bytes: [UInt8]) throws(MeasurementError) {
        var reader = StructureReader(bytes, "The Secure Execution header")
        guard try reader.bytes(8) == Self.magic else { throw reader.malformed("The signature is missing.") }
        let version = try reader.u32BE()
        guard version == Self.version else {
            throw MeasurementError(.unsupportedImage, "The Secure Execution header has version \(version).")
        }
        let size = Int(try reader.u32BE())
        try reader.skip(12 + 4)  // initialisation vector, reserved
        let slots = try reader.u64BE()
        let encrypted = try reader.u64BE()
        guard size <= Self.maximumSize, (1...UInt64(Self.maximumSize / Self.slotSize)).contains(slots),
            encrypted <= UInt64(Self.maximumSize),
            size == Self.fixedSize + Int(slots) * Self.slotSize + Int(encrypted) + Self.tagSize
        else { throw reader.malformed("It has \(slots) key slots and \(encrypted) encrypted bytes in \(size) bytes.") }
        try reader.skip(8 + 8 + 160)  // pages, flags, customer key
        pageListDigest = try reader.bytes(64)
        addressListDigest = try reader.bytes(64)
        tweakListDigest = try reader.bytes(64)
        var hashes: [[UInt8]] = []
        for _ in 0..<slots {
            hashes.append(try reader.bytes(32))
            try reader.skip(Self.slotSize - 32)
        }
        hostKeyHashes = hashes
        try reader.skip(Int(encrypted))
        tag = try reader.bytes(Self.tagSize)
    }

    /// Reads the header of a built image, which has it somewhere before the kernel, or of a file that is one.
    ///
    /// What only begins like a header is passed over: a file in the image may.
    ///
    /// - Throws: `malformed_image` when there is none, or more than one, so that nobody knows which of them counts.
    public init(in image: some Artifact) throws(MeasurementError) {
        var headers: [SecureExecutionHeader] = []
        var refusal = MeasurementError(.malformedImage, "The file has no Secure Execution header in it.")
        for start in try Self.starts(in: image) {
            let count = min(Self.maximumSize, image.size - start)
            let bytes = try image.read(at: start, count: count, "The Secure Execution image")
            do throws(MeasurementError) {
                headers.append(try SecureExecutionHeader(parsing: bytes))
            } catch {
                refusal = error
            }
        }
        guard let header = headers.first else { throw refusal }
        guard headers.count == 1 else {
            throw MeasurementError(.malformedImage, "The file has \(headers.count) Secure Execution headers in it.")
        }
        self = header
    }

    /// Where something begins like a header; headers stand at multiples of 8.
    private static func starts(in image: some Artifact) throws(MeasurementError) -> [Int] {
        let piece = 262_144
        var starts: [Int] = []
        for start in stride(from: 0, to: image.size, by: piece) {
            let bytes = try image.bytes(in: start..<min(image.size, start + piece))
            starts += bytes.withUnsafeBytes { buffer in
                stride(from: 0, through: buffer.count - magic.count, by: 8).filter { offset in
                    buffer[offset] == magic[0] && buffer[offset..<offset + magic.count].elementsEqual(magic)
                }
            }.map { start + $0 }
            guard starts.count <= maximumStarts else {
                throw MeasurementError(
                    .malformedImage,
                    "More than \(maximumStarts) places in the file begin like a Secure Execution header.")
            }
        }
        return starts
    }

    private static let maximumStarts = 64
}
