public import RATS

/// The header of a Secure Execution image, as the image's maker wrote it: it says which image is meant.
public struct SEImageHeader: Sendable, Hashable {
    /// The digest over the image's pages, 64 bytes.
    let pageDigest: [UInt8]
    /// The digest over the pages' addresses, 64 bytes.
    let addressDigest: [UInt8]
    /// The digest over the pages' tweaks, 64 bytes.
    let tweakDigest: [UInt8]
    /// The tag that authenticates the header, 16 bytes.
    public let tag: [UInt8]
    /// The hashes of the host keys that the image was made for, 32 bytes each.
    public let hostKeyHashes: [[UInt8]]

    private static let magic = Array("IBMSecEx".utf8)
    private static let maximumBytes = 65_536
    private static let fixedBytes = 416
    private static let slotBytes = 80
    private static let tagBytes = 16

    /// Reads a header, all of the bytes.
    ///
    /// Throws `malformed_evidence`, and `unsupported_version` for another version than 0x100.
    public init(parsing bytes: [UInt8]) throws(VerificationError) {
        guard bytes.count <= Self.maximumBytes else { throw .malformed("The Secure Execution header is too large.") }
        var reader = EvidenceReader(bytes, "The Secure Execution header")
        guard try reader.bytes(8) == Self.magic else { throw reader.malformed("It does not begin like one.") }
        let version = try reader.u32BE()
        guard version == 0x100 else {
            throw .unsupportedVersion("The Secure Execution header has version 0x\(String(version, radix: 16)).")
        }
        let size = try reader.u32BE()
        guard Int(size) == bytes.count else { throw reader.malformed("It says that it has \(size) bytes.") }
        try reader.skip(16)
        let (slots, encrypted) = (try reader.u64BE(), try reader.u64BE())
        guard (1...256).contains(slots), encrypted <= UInt64(Self.maximumBytes),
            Self.fixedBytes + Self.slotBytes * Int(slots) + Int(encrypted) + Self.tagBytes == bytes.count
        else { throw reader.malformed("Its parts do not add up.") }
        try reader.skip(16 + 160)
        pageDigest = try reader.bytes(64)
        addressDigest = try reader.bytes(64)
        tweakDigest = try reader.bytes(64)
        var hashes: [[UInt8]] = []
        for _ in 0..<slots {
            hashes.append(try reader.bytes(32))
            try reader.skip(Self.slotBytes - 32)
        }
        hostKeyHashes = hashes
        try reader.skip(Int(encrypted))
        tag = try reader.bytes(Self.tagBytes)
        try reader.requireEnd()
    }

    init(pageDigest: [UInt8], addressDigest: [UInt8], tweakDigest: [UInt8], tag: [UInt8], hostKeyHashes: [[UInt8]]) {
        self.pageDigest = pageDigest
        self.addressDigest = addressDigest
        self.tweakDigest = tweakDigest
        self.tag = tag
        self.hostKeyHashes = hostKeyHashes
    }

    /// The digests and the tag one after the other, 208 bytes.
    package var tags: [UInt8] { pageDigest + addressDigest + tweakDigest + tag }
}
