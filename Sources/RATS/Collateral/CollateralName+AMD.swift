import Encodings

extension CollateralName {
    /// The kind of AMD key that signs SEV-SNP reports.
    public enum AMDEndorsementKeyKind: String, Sendable, CaseIterable {
        /// Belongs to one chip.
        case vcek
        /// Belongs to one cloud provider.
        case vlek
    }

    /// The certificate of a chip's endorsement key (VCEK), DER.
    ///
    /// - Parameters:
    ///   - product: The product line by its lower-case name, such as `milan`.
    ///   - hardwareID: The identifier of the chip as its certificate holds it: 64 bytes, from Turin on 8 bytes.
    ///   - levels: The security patch levels that the key was derived from, each by the word of the key
    ///     distribution service's query (`blSPL` is `bl`), in the order of that query.
    public static func amdVCEK(
        product: String, hardwareID: [UInt8], levels: [(component: String, level: UInt8)]
    ) -> CollateralName? {
        let tcb = levels.map { "\($0.component)\($0.level)" }.joined(separator: "_")
        return CollateralName("amd/vcek/\(product)/\(Hex.encode(hardwareID))/\(tcb)")
    }

    /// The revocation list of a product line's root (ARK) over its intermediates (ASK or ASVK), DER.
    public static func amdRevocationList(product: String, kind: AMDEndorsementKeyKind) -> CollateralName? {
        CollateralName("amd/crl/\(product)/\(kind.rawValue)")
    }
}
