/// A TCB version as it stands in a report: the security patch levels of a processor's firmware in 8 bytes, whose places
/// depend on the product (AMD 56860, TCB_VERSION).
public struct SNPTCB: Sendable, Hashable {
    /// The bytes as a little-endian number.
    public let rawValue: UInt64

    /// The TCB version with this raw value.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The TCB version in which a product writes these levels; `fmc` is left out where the product has none.
    public init(_ levels: SNPTCBLevels, product: SNPProduct) {
        let rest = UInt64(levels.microcode) << 56
        rawValue =
            if product.hasFMC {
                rest | UInt64(levels.snp) << 24 | UInt64(levels.tee) << 16 | UInt64(levels.bootloader) << 8
                    | UInt64(levels.fmc ?? 0)
            } else {
                rest | UInt64(levels.snp) << 48 | UInt64(levels.tee) << 8 | UInt64(levels.bootloader)
            }
    }

    /// The levels, or `nil` when a byte that the product does not use is not zero.
    public func levels(of product: SNPProduct) -> SNPTCBLevels? {
        let levels =
            product.hasFMC
            ? SNPTCBLevels(fmc: byte(0), bootloader: byte(1), tee: byte(2), snp: byte(3), microcode: byte(7))
            : SNPTCBLevels(bootloader: byte(0), tee: byte(1), snp: byte(6), microcode: byte(7))
        return SNPTCB(levels, product: product) == self ? levels : nil
    }

    private func byte(_ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: rawValue >> (8 * index)) }
}

/// The security patch levels of a processor's firmware.
public struct SNPTCBLevels: Sendable, Hashable {
    /// The first mutable code of the secure processor; `nil` before Turin.
    public var fmc: UInt8?
    /// The secure processor's boot loader.
    public var bootloader: UInt8
    /// The secure processor's operating system.
    public var tee: UInt8
    /// The SNP firmware.
    public var snp: UInt8
    /// The microcode.
    public var microcode: UInt8

    /// These levels.
    public init(fmc: UInt8? = nil, bootloader: UInt8, tee: UInt8, snp: UInt8, microcode: UInt8) {
        self.fmc = fmc
        self.bootloader = bootloader
        self.tee = tee
        self.snp = snp
        self.microcode = microcode
    }

    /// Whether every level is at least that of `other`; one that is missing counts as zero.
    public func isAtLeast(_ other: SNPTCBLevels) -> Bool {
        (fmc ?? 0) >= (other.fmc ?? 0) && bootloader >= other.bootloader && tee >= other.tee && snp >= other.snp
            && microcode >= other.microcode
    }

    /// The levels by the words of the key distribution service's query (`blSPL` is `bl`), in its order.
    public var collateralLevels: [(component: String, level: UInt8)] {
        let rest = [("bl", bootloader), ("tee", tee), ("snp", snp), ("ucode", microcode)]
        return (fmc.map { [("fmc", $0)] } ?? []) + rest
    }
}

extension SNPTCBLevels: CustomStringConvertible {
    /// The levels with their words, such as `bl 3 tee 0 snp 8 ucode 115`.
    public var description: String {
        collateralLevels.map { "\($0.component) \($0.level)" }.joined(separator: " ")
    }
}
