import Encodings

/// What the metadata of a LUKS2 volume says, after everything was refused that this agent does not expect there.
///
/// A volume has one key slot, one segment and one digest, as cryptsetup makes them from the reference's command line. What
/// else the format allows (null ciphers, further slots, requirements, flags, foreign tokens) is how a header is made to
/// open with a key that somebody else knows, or not to encrypt at all.
struct LUKSMetadata: Sendable {
    /// Whether each sector is authenticated (dm-integrity with HMAC-SHA256).
    let hasIntegrity: Bool
    /// Where the encrypted data begin, in bytes from the start of the device.
    let dataOffset: Int
    /// Where both copies and all key slots end, in bytes.
    let areaSize: Int
    /// The key slot's bytes within that area.
    let keyslot: Range<Int>
    /// The seal of this agent; nil when there is none.
    let seal: LUKSSeal?

    /// Reads and checks the metadata.
    ///
    /// - Throws: `GuestError` with `volume_refused`, naming the place.
    init(_ header: LUKSHeader) throws(GuestError) {
        let root = LUKSObject(header.metadata, at: "the metadata")
        try root.allow("keyslots", "tokens", "segments", "digests", "config")

        let config = try root.object("config")
        try config.allow("json_size", "keyslots_size")
        guard try config.bytes("json_size") == header.size - LUKSHeader.binarySize else {
            throw config.refusal("json_size does not fit the header")
        }
        let keyslotsSize = try config.bytes("keyslots_size")
        let start = 2 * header.size
        guard keyslotsSize > 0, keyslotsSize % 4096 == 0, keyslotsSize <= LUKSHeader.maximumAreaSize - start else {
            throw config.refusal("keyslots_size is not of a kind that is known")
        }
        areaSize = start + keyslotsSize

        let segment = try root.object("segments").only("segments")
        let segmentFacts = try Self.segment(segment.object)
        (dataOffset, hasIntegrity) = (segmentFacts.offset, segmentFacts.hasIntegrity)

        let slot = try root.object("keyslots").only("keyslots")
        keyslot = try LUKSKeyslot.check(
            slot.object, keySize: hasIntegrity ? 96 : 64, within: start..<areaSize)
        try Self.checkDigest(try root.object("digests").only("digests").object, slot: slot.name, segment: segment.name)
        seal = try Self.seal(try root.object("tokens"))
    }

    private static func segment(_ segment: LUKSObject) throws(GuestError) -> (offset: Int, hasIntegrity: Bool) {
        try segment.allow("type", "offset", "size", "iv_tweak", "encryption", "sector_size", "integrity")
        try segment.demand("type", "crypt")
        try segment.demand("encryption", LUKSKeyslot.cipher)
        try segment.demand("size", "dynamic")
        try segment.demand("iv_tweak", "0")
        guard [512, 4096].contains(try segment.number("sector_size")) else {
            throw segment.refusal("sector_size is not of a kind that is known")
        }
        let offset = try segment.bytes("offset")
        guard offset % 4096 == 0, offset <= 2 * LUKSHeader.maximumAreaSize else {
            throw segment.refusal("the data begin at \(offset), where no volume of ours has them")
        }
        guard segment.has("integrity") else { return (offset, false) }
        let integrity = try segment.object("integrity")
        try integrity.allow("type", "journal_encryption", "journal_integrity")
        try integrity.demand("type", "hmac(sha256)")
        try integrity.demand("journal_encryption", "none")
        try integrity.demand("journal_integrity", "none")
        return (offset, true)
    }

    /// The digest tells which volume key is the right one; it has to bind the one slot to the one segment.
    private static func checkDigest(_ digest: LUKSObject, slot: String, segment: String) throws(GuestError) {
        try digest.allow("type", "keyslots", "segments", "hash", "iterations", "salt", "digest")
        try digest.demand("type", "pbkdf2")
        guard try digest.names("keyslots") == [slot], try digest.names("segments") == [segment] else {
            throw digest.refusal("it does not bind the one key slot to the one segment")
        }
        guard ["sha256", "sha512"].contains(try digest.text("hash")) else {
            throw digest.refusal("its hash is not of a kind that is known")
        }
        guard (1000...100_000_000).contains(try digest.number("iterations")) else {
            throw digest.refusal("its number of iterations is out of bounds")
        }
        _ = try digest.binary("salt", 16...64)
        _ = try digest.binary("digest", 32...64)
    }

    private static func seal(_ tokens: LUKSObject) throws(GuestError) -> LUKSSeal? {
        guard !tokens.isEmpty else { return nil }
        return try LUKSSeal(token: try tokens.only("tokens").object)
    }
}

/// The rules for the one key slot.
enum LUKSKeyslot {
    static let cipher = "aes-xts-plain64"
    private static let stripes = 4000

    /// Checks a key slot.
    ///
    /// - Returns: where its bytes lie.
    static func check(_ slot: LUKSObject, keySize: Int, within area: Range<Int>) throws(GuestError) -> Range<Int> {
        try slot.allow("type", "key_size", "af", "area", "kdf")
        try slot.demand("type", "luks2")
        guard try slot.number("key_size") == keySize else {
            throw slot.refusal("its key has not the \(keySize) bytes that the segment needs")
        }
        let split = try slot.object("af")
        try split.allow("type", "stripes", "hash")
        try split.demand("type", "luks1")
        guard try split.number("stripes") == stripes, ["sha256", "sha512"].contains(try split.text("hash")) else {
            throw split.refusal("the splitting is not of a kind that is known")
        }
        try checkDerivation(try slot.object("kdf"))
        let place = try slot.object("area")
        try place.allow("type", "offset", "size", "encryption", "key_size")
        try place.demand("type", "raw")
        try place.demand("encryption", cipher)
        guard try place.number("key_size") == 64 else { throw place.refusal("its key is too short") }
        let (offset, size) = (try place.bytes("offset"), try place.bytes("size"))
        guard offset >= area.lowerBound, offset % 4096 == 0, size >= keySize * stripes, size <= area.count,
            offset + size <= area.upperBound
        else { throw place.refusal("it lies outside of the key slots' area") }
        return offset..<offset + size
    }

    /// Weak parameters would let the key be guessed; excessive ones would let the disk's owner exhaust this guest.
    private static func checkDerivation(_ kdf: LUKSObject) throws(GuestError) {
        let isWithinBounds: Bool
        switch try kdf.text("type") {
        case "argon2id", "argon2i":
            try kdf.allow("type", "time", "memory", "cpus", "salt")
            let (time, memory, cpus) = (try kdf.number("time"), try kdf.number("memory"), try kdf.number("cpus"))
            isWithinBounds =
                (4...1000).contains(time) && (32_768...1_048_576).contains(memory) && (1...4).contains(cpus)
        case "pbkdf2":
            try kdf.allow("type", "hash", "iterations", "salt")
            let (hash, iterations) = (try kdf.text("hash"), try kdf.number("iterations"))
            isWithinBounds = ["sha256", "sha512"].contains(hash) && (100_000...100_000_000).contains(iterations)
        case let other:
            throw kdf.refusal("\(other.prefix(32).printable) is no key derivation that is known")
        }
        guard isWithinBounds else { throw kdf.refusal("its parameters are weaker or greater than is accepted") }
        _ = try kdf.binary("salt", 16...64)
    }
}
