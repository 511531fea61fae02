import Encodings

/// A volume's header that was read once and checked.
struct VolumeHeader: Sendable {
    /// The device from its start to the end of the key slots.
    let area: [UInt8]
    private let header: LUKSHeader
    let metadata: LUKSMetadata

    /// Checks bytes that do not change any more.
    ///
    /// - Throws: `GuestError` with `volume_refused`.
    init(_ bytes: [UInt8]) throws(GuestError) {
        header = try LUKSHeader(parsing: bytes)
        metadata = try LUKSMetadata(header)
        guard bytes.count >= metadata.areaSize else { throw LUKSHeader.refusal("its key slots are cut off") }
        area = Array(bytes[..<metadata.areaSize])
    }

    /// Reads a device's header.
    ///
    /// The size comes from a first look, but what is checked and used is one copy, made at once.
    ///
    /// - Throws: `GuestError` with `volume_refused`, also when the data would lie in the header or behind the device's end.
    init(on device: BlockDevice) throws(GuestError) {
        let size = try LUKSHeader.size(announcedBy: device.head(LUKSHeader.binarySize))
        let look = try LUKSMetadata(LUKSHeader(parsing: device.head(2 * size)))
        try self.init(device.head(look.areaSize))
        guard metadata.dataOffset >= metadata.areaSize, metadata.dataOffset < (try device.size()) else {
            throw LUKSHeader.refusal("the data do not lie behind it on the device")
        }
    }

    /// Refuses a volume that authenticates less than the caller demands.
    func require(integrity: Bool) throws(GuestError) {
        guard metadata.hasIntegrity || !integrity else {
            throw LUKSHeader.refusal("dataIntegrity is demanded, and the volume has none")
        }
    }

    /// Refuses a header that was changed since it was sealed, or made by somebody who does not know the key.
    func requireSeal(_ key: SecretBytes, allowUnsealed: Bool) throws(GuestError) {
        guard let seal = metadata.seal else {
            guard allowUnsealed else {
                throw LUKSHeader.refusal(
                    "this agent did not make it, so it has no seal; --volume-allow-unsealed opens such volumes")
            }
            return
        }
        guard try seal.isValid(for: header, metadata, area: area, key: key) else {
            throw LUKSHeader.refusal("its seal does not fit: the header was changed, or the key is another one")
        }
    }

    /// The seal that this header is to get.
    func seal(_ key: SecretBytes) throws(GuestError) -> LUKSSeal {
        try LUKSSeal(of: header, metadata, area: area, key: key)
    }
}
