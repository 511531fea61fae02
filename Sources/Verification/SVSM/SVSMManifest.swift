import RATS

/// What an SVSM says of its services, whose digest is in its report (AMD 58019, section 7, attestation protocol).
///
/// A report about one service has that service's manifest alone; a report about all of them has a table in front.
package struct SVSMManifest: Sendable, Hashable {
    /// What the report is about.
    package enum Form: String, Sendable, Hashable {
        /// The virtual TPM alone.
        case service
        /// All services.
        case services
    }

    /// What the report is about.
    package let form: Form
    /// The public area of the virtual TPM's endorsement key.
    package let endorsementKey: TPMPublicArea

    /// As GUIDs are stored: the first three parts least significant byte first.
    package static let tableGUID: [UInt8] = [
        0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb,
    ]
    /// The virtual TPM among the services.
    package static let virtualTPM: [UInt8] = [
        0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45, 0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3,
    ]
    private static let maximumSize = 65_536
    private static let maximumServices: UInt32 = 64
    private static let maximumKeySize = 1024

    /// Reads a manifest, all of the bytes. Throws `malformed_evidence`, also when there is no virtual TPM, or a second one.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        guard bytes.count <= Self.maximumSize else { throw .malformed("The SVSM's manifest is too large.") }
        if bytes.starts(with: Self.tableGUID) {
            form = .services
            endorsementKey = try Self.key(Self.service(bytes))
        } else {
            form = .service
            endorsementKey = try Self.key(bytes)
        }
    }

    private static func service(_ bytes: [UInt8]) throws(VerificationError) -> [UInt8] {
        var reader = EvidenceReader(bytes, "The SVSM's manifest")
        try reader.skip(tableGUID.count)
        guard Int(try reader.u32LE()) == bytes.count else {
            throw reader.malformed("It has another size than it says.")
        }
        let count = try reader.u32LE()
        guard count <= maximumServices else { throw reader.malformed("It names \(count) services.") }
        let start = reader.position + 24 * Int(count)
        var found: [UInt8]?
        for _ in 0..<count {
            let service = try reader.bytes(16)
            let (offset, length) = (Int(try reader.u32LE()), Int(try reader.u32LE()))
            guard offset >= start, offset <= bytes.count, length <= bytes.count - offset else {
                throw reader.malformed("A service's part is not in it.")
            }
            guard service == virtualTPM else { continue }
            guard found == nil else { throw reader.malformed("It names two virtual TPMs.") }
            found = Array(bytes[offset..<(offset + length)])
        }
        guard let found else { throw reader.malformed("It names no virtual TPM.") }
        return found
    }

    /// A public area, as it is or behind its size: SVSMs store either.
    static func key(_ bytes: [UInt8]) throws(VerificationError) -> TPMPublicArea {
        guard (2...maximumKeySize).contains(bytes.count) else {
            throw .malformed("The public area of a TPM's key is too small or too large.")
        }
        let size = Int(bytes[0]) << 8 | Int(bytes[1])
        return try TPMPublicArea(parsing: size == bytes.count - 2 ? Array(bytes[2...]) : bytes)
    }
}
