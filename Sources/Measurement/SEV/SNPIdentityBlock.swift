public import Crypto

/// The ID block of an SEV-SNP guest: what its owner says it is, signed with a key whose digest the report shows (SEV Secure
/// Nested Paging Firmware ABI, section 8.18).
public struct SNPIdentityBlock: Sendable, Hashable {
    /// The size in bytes.
    public static let size = 96

    /// The launch measurement that the processor compares with its own: 48 bytes.
    public let launchDigest: [UInt8]
    /// FAMILY_ID: 16 bytes.
    public let familyID: [UInt8]
    /// IMAGE_ID: 16 bytes.
    public let imageID: [UInt8]
    /// GUEST_SVN.
    public let guestSVN: UInt32
    /// The guest's policy.
    public let policy: UInt64

    /// A block. Throws `invalid_input` for fields of other lengths.
    public init(
        launchDigest: [UInt8], familyID: [UInt8], imageID: [UInt8], guestSVN: UInt32, policy: UInt64
    ) throws(MeasurementError) {
        guard launchDigest.count == 48, familyID.count == 16, imageID.count == 16 else {
            throw MeasurementError(
                .invalidInput, "An ID block has a launch digest of 48 bytes, and family and image of 16 bytes each.")
        }
        self.launchDigest = launchDigest
        self.familyID = familyID
        self.imageID = imageID
        self.guestSVN = guestSVN
        self.policy = policy
    }

    /// Reads a block of 96 bytes. Throws `malformed_image`.
    public init(parsing bytes: [UInt8]) throws(MeasurementError) {
        var reader = StructureReader(bytes, "The ID block")
        guard bytes.count == Self.size else { throw reader.malformed("It has \(bytes.count) bytes instead of 96.") }
        launchDigest = try reader.bytes(48)
        familyID = try reader.bytes(16)
        imageID = try reader.bytes(16)
        let version = try reader.u32LE()
        guard version == 1 else { throw reader.malformed("It has version \(version).") }
        guestSVN = try reader.u32LE()
        policy = try reader.u64LE()
    }

    /// The block as the processor takes it: 96 bytes.
    public var encoded: [UInt8] {
        launchDigest + familyID + imageID + UInt32(1).littleEndianBytes + guestSVN.littleEndianBytes
            + policy.littleEndianBytes
    }
}

/// The ID authentication information of an SEV-SNP guest: the keys and signatures for its ID block.
public struct SNPIdentityAuthentication: Sendable {
    /// The size in bytes.
    public static let size = 4096

    /// The key that signs the ID block.
    public let idKey: SNPIdentityKey
    /// The key that signs the ID key; `nil` when there is none.
    public let authorKey: SNPIdentityKey?
    private let blockSignature: P384.Signing.ECDSASignature
    private let keySignature: P384.Signing.ECDSASignature?

    /// Reads the 4096 bytes. Throws `malformed_image` for other lengths, unknown algorithms and curves, and values that are
    /// no keys or signatures.
    public init(parsing bytes: [UInt8]) throws(MeasurementError) {
        var reader = StructureReader(bytes, "The ID authentication block")
        guard bytes.count == Self.size else { throw reader.malformed("It has \(bytes.count) bytes instead of 4096.") }
        let idAlgorithm = try reader.u32LE()
        let authorAlgorithm = try reader.u32LE()
        guard idAlgorithm == 1, authorAlgorithm <= 1 else {
            throw reader.malformed("It has the algorithms \(idAlgorithm) and \(authorAlgorithm); 1 is ECDSA P-384.")
        }
        blockSignature = try Self.signature(bytes[0x40..<0x240], reader)
        idKey = try SNPIdentityKey(parsing: Array(bytes[0x240..<0x644]))
        if authorAlgorithm == 1 {
            keySignature = try Self.signature(bytes[0x680..<0x880], reader)
            authorKey = try SNPIdentityKey(parsing: Array(bytes[0x880..<0xC84]))
        } else {
            keySignature = nil
            authorKey = nil
        }
    }

    /// Whether the ID key signed the block, and the author key, where there is one, the ID key.
    public func vouches(for block: SNPIdentityBlock) -> Bool {
        idKey.key.isValidSignature(blockSignature, for: block.encoded) && isIDKeyEndorsed
    }

    /// Whether the author key signed the ID key; true where there is no author key.
    var isIDKeyEndorsed: Bool {
        guard let authorKey, let keySignature else { return true }
        return authorKey.key.isValidSignature(keySignature, for: idKey.encoded)
    }

    /// r and s with 72 bytes each, least significant first, then zeros.
    private static func signature(
        _ bytes: ArraySlice<UInt8>, _ reader: StructureReader
    ) throws(MeasurementError) -> P384.Signing.ECDSASignature {
        guard let raw = SNPIdentityKey.raw(Array(bytes)),
            let signature = try? P384.Signing.ECDSASignature(rawRepresentation: raw)
        else { throw reader.malformed("A signature is none of P-384.") }
        return signature
    }
}

/// A key that signs an ID block, in the form whose digest reports show.
public struct SNPIdentityKey: Sendable {
    /// The size of the form in bytes.
    static let size = 0x404
    /// P-384's number.
    private static let curve: UInt32 = 2

    /// The key.
    public let key: P384.Signing.PublicKey

    /// The form of a key.
    public init(_ key: P384.Signing.PublicKey) { self.key = key }

    init(parsing bytes: [UInt8]) throws(MeasurementError) {
        var reader = StructureReader(bytes, "The ID authentication block's key")
        let curve = try reader.u32LE()
        guard bytes.count == Self.size, curve == Self.curve, let raw = Self.raw(Array(bytes[4...])),
            let key = try? P384.Signing.PublicKey(rawRepresentation: raw)
        else { throw reader.malformed("It is no key of P-384.") }
        self.key = key
    }

    /// The key as the block has it: curve, then x and y with 72 bytes each, least significant first, then zeros.
    var encoded: [UInt8] {
        let raw = Array(key.rawRepresentation)
        let (x, y) = (Array(raw.prefix(48).reversed()), Array(raw.suffix(48).reversed()))
        return (Self.curve.littleEndianBytes + x.padded(to: 72) + y.padded(to: 72)).padded(to: Self.size)
    }

    /// What a report shows as ID_KEY_DIGEST or AUTHOR_KEY_DIGEST: SHA-384, 48 bytes.
    public var digest: [UInt8] { Array(SHA384.hash(data: encoded)) }

    /// Two numbers of 48 bytes, most significant first; `nil` when the fields hold more than these.
    static func raw(_ bytes: [UInt8]) -> [UInt8]? {
        let (first, second, rest) = (bytes[..<72], bytes[72..<144], bytes[144...])
        guard first.suffix(24).allSatisfy({ $0 == 0 }), second.suffix(24).allSatisfy({ $0 == 0 }),
            rest.allSatisfy({ $0 == 0 })
        else { return nil }
        return first.prefix(48).reversed() + second.prefix(48).reversed()
    }
}
