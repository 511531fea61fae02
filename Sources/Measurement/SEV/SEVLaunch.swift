import Crypto

/// The start of a guest with SEV or SEV-ES, whose launch digest covers plain bytes: firmware, kernel hashes, registers
/// (Secure Encrypted Virtualization API, section 6.5).
public struct SEVLaunch: Sendable {
    /// What is measured of the processors' registers.
    public enum Registers: Sendable, Hashable {
        /// Nothing: SEV.
        case unmeasured
        /// What a hypervisor sets: SEV-ES.
        case processors(VirtualProcessors)
        /// Pages that were recorded on a host: SEV-ES.
        case recorded([[UInt8]])
    }

    private let firmware: FirmwareImage
    private let kernel: KernelHashes?
    private let registers: Registers

    /// A start.
    public init(_ firmware: FirmwareImage, kernel: KernelHashes?, registers: Registers) {
        self.firmware = firmware
        self.kernel = kernel
        self.registers = registers
    }

    /// The launch digest: 32 bytes.
    ///
    /// - Throws: `unsupported_firmware` when the firmware has no place for the kernel's hashes or for further processors,
    ///   `invalid_input` for recorded registers that are not pages.
    public func digest() throws(MeasurementError) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: firmware.bytes)
        if let kernel {
            // What is measured does not depend on where the table lies; firmware without a place for it ignores it.
            _ = try KernelHashes.address(in: firmware)
            hash.update(data: kernel.table)
        }
        switch registers {
        case .unmeasured: break
        case .processors(let processors):
            for (page, count) in try processors.pages(startedBy: firmware, features: 0) {
                for _ in 0..<count { hash.update(data: page) }
            }
        case .recorded(let pages):
            guard !pages.isEmpty, pages.count <= VirtualProcessors.maximumCount,
                pages.allSatisfy({ $0.count == FirmwareImage.pageSize })
            else {
                throw MeasurementError(
                    .invalidInput, "Recorded registers are 1 to \(VirtualProcessors.maximumCount) pages of 4096 bytes.")
            }
            for page in pages { hash.update(data: page) }
        }
        return Array(hash.finalize())
    }
}

/// What the processor says about a started guest, under a key that only the guest's owner has (Secure Encrypted
/// Virtualization API, section 6.5.2).
public struct SEVLaunchMeasure: Sendable, Hashable {
    /// The major version of the firmware's interface.
    public let apiMajor: UInt8
    /// The minor version of the firmware's interface.
    public let apiMinor: UInt8
    /// The firmware's build.
    public let build: UInt8
    /// The guest's policy.
    public let policy: UInt32

    /// A measure under this firmware and policy.
    public init(apiMajor: UInt8, apiMinor: UInt8, build: UInt8, policy: UInt32) {
        self.apiMajor = apiMajor
        self.apiMinor = apiMinor
        self.build = build
        self.policy = policy
    }

    /// The expected measure: an HMAC with SHA-256, 32 bytes.
    ///
    /// - Parameters:
    ///   - digest: the launch digest, 32 bytes.
    ///   - nonce: what the processor put behind the measure, 16 bytes.
    ///   - integrityKey: the transport integrity key of the session, 16 bytes.
    /// - Throws: `invalid_input` for other lengths.
    public func value(
        digest: [UInt8], nonce: [UInt8], integrityKey: [UInt8]
    ) throws(MeasurementError) -> [UInt8] {
        guard digest.count == 32, nonce.count == 16, integrityKey.count == 16 else {
            throw MeasurementError(
                .invalidInput, "A launch measure takes a digest of 32 bytes, a nonce of 16 and a key of 16.")
        }
        let message = [0x04, apiMajor, apiMinor, build] + policy.littleEndianBytes + digest + nonce
        return Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: integrityKey)))
    }
}
