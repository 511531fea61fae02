/// A generation of AMD processors that runs SEV-SNP guests.
public enum SNPProduct: String, Sendable, CaseIterable, Hashable {
    /// EPYC 7003.
    case milan = "Milan"
    /// EPYC 9004 and 8004, Bergamo and Siena among them.
    case genoa = "Genoa"
    /// EPYC 9005.
    case turin = "Turin"
    /// EPYC 9006.
    case venice = "Venice"

    /// The generation of a processor, or `nil` for one that is not known to run SEV-SNP.
    public init?(_ processor: SNPProcessor) {
        switch (processor.family, processor.model) {
        case (0x19, 0x00...0x0F): self = .milan
        case (0x19, 0x10...0x1F), (0x19, 0xA0...0xAF): self = .genoa
        case (0x1A, 0x00...0x11): self = .turin
        case (0x1A, 0x50...0x57), (0x1A, 0x90...0x9F), (0x1A, 0xA0...0xAF), (0x1A, 0xC0...0xC7): self = .venice
        default: return nil
        }
    }

    /// Its name in the paths of the key distribution service and of collateral, such as `milan`.
    public var collateralName: String {
        switch self {
        case .milan: "milan"
        case .genoa: "genoa"
        case .turin: "turin"
        case .venice: "venice"
        }
    }

    /// How many bytes of CHIP_ID tell the chip; the others are zero.
    public var hardwareIDByteCount: Int {
        switch self {
        case .milan, .genoa: 64
        case .turin, .venice: 8
        }
    }

    /// Whether the first mutable code has a security version of its own, which moves the others in a TCB version.
    public var hasFMC: Bool {
        switch self {
        case .milan, .genoa: false
        case .turin, .venice: true
        }
    }

    /// Whether a certificate's product name, such as `Milan-B0`, is one of this generation.
    func isNamed(_ name: String) -> Bool {
        let line = name.prefix { $0 != "-" }
        switch self {
        case .milan: return line == "Milan"
        case .genoa: return ["Genoa", "Bergamo", "Siena"].contains(line)
        case .turin: return line == "Turin"
        case .venice: return line == "Venice"
        }
    }
}

/// What CPUID says of the processor (leaf 1, with the extended family and model added in).
public struct SNPProcessor: Sendable, Hashable {
    /// The family, such as 0x19.
    public let family: UInt8
    /// The model within the family.
    public let model: UInt8
    /// The stepping of the model.
    public let stepping: UInt8

    /// A processor of these numbers.
    public init(family: UInt8, model: UInt8, stepping: UInt8) {
        self.family = family
        self.model = model
        self.stepping = stepping
    }
}
