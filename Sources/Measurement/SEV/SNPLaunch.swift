import Crypto

/// The start of an SEV-SNP guest, of which the processor makes the launch measurement (SEV Secure Nested Paging Firmware
/// ABI, section 8.17).
public struct SNPLaunch: Sendable {
    /// What the guest's memory begins with.
    public enum Content: Sendable {
        /// A firmware, and the kernel that it starts when it is started without a disk.
        case firmware(FirmwareImage, KernelHashes?)
        /// A service module below a firmware.
        case serviceModule(ServiceModule)
    }

    /// SEV_FEATURES of a guest without options: SEV-SNP is active.
    public static let defaultFeatures: UInt64 = 1

    private let content: Content
    private let processors: VirtualProcessors
    private let features: UInt64

    /// A start.
    ///
    /// - Parameter features: SEV_FEATURES in the registers: 1 for SEV-SNP, 0x20 more for debug swap, which QEMU sets on
    ///   kernels from 6.9 on.
    /// - Throws: `invalid_input` when the features lack SEV-SNP, or a service module is not started by QEMU.
    public init(
        _ content: Content, processors: VirtualProcessors, features: UInt64 = defaultFeatures
    ) throws(MeasurementError) {
        guard features & 1 == 1 else {
            throw MeasurementError(.invalidInput, "The guest's features lack bit 0, which is SEV-SNP itself.")
        }
        if case .serviceModule = content, processors.hypervisor != .qemu {
            throw MeasurementError(.invalidInput, "How a service module starts is known of QEMU only.")
        }
        self.content = content
        self.processors = processors
        self.features = features
    }

    /// The launch measurement that a report will have: 48 bytes.
    ///
    /// - Parameter firmwareDigest: what ``firmwareDigest(of:)`` gave of the whole firmware, when the image at hand is only the
    ///   end of it, with its table.
    /// - Throws: `unsupported_firmware` when the firmware cannot be started like this, `malformed_firmware`, `invalid_input`.
    public func measurement(firmwareDigest: [UInt8]? = nil) throws(MeasurementError) -> [UInt8] {
        var digest = SNPLaunchDigest()
        switch content {
        case .firmware(let firmware, let kernel):
            if let firmwareDigest {
                digest = try SNPLaunchDigest(startingFrom: firmwareDigest)
            } else {
                digest.add(firmware)
            }
            try digest.addMetadata(of: firmware, kernel: kernel, hypervisor: processors.hypervisor)
            for (page, count) in try processors.pages(startedBy: firmware, features: features) {
                digest.add(registers: page, count: count)
            }
        case .serviceModule(let module):
            guard firmwareDigest == nil, let model = processors.model else {
                throw MeasurementError(.invalidInput, "A service module is measured together with its whole firmware.")
            }
            digest.add(module.firmware)
            digest.add(module.image)
            try digest.addMetadata(of: module.image, kernel: nil, hypervisor: processors.hypervisor)
            let area = SaveArea.serviceModule(entry: try module.entry, features: features, model: model)
            digest.add(registers: area.page, count: processors.count)
        }
        return digest.value
    }

    /// The launch measurement after the firmware alone, from which others can go on without having all of it: 48 bytes.
    public static func firmwareDigest(of firmware: FirmwareImage) -> [UInt8] {
        var digest = SNPLaunchDigest()
        digest.add(firmware)
        return digest.value
    }
}

/// A secure VM service module, such as Coconut's: it runs at VMPL 0 and starts the firmware below itself.
public struct ServiceModule: Sendable {
    /// The size of the room for variables that lies between module and firmware in known images, in bytes.
    public static let defaultVariableStoreSize = 540_672

    let firmware: FirmwareImage
    let image: FirmwareImage

    /// A module below a firmware.
    ///
    /// - Parameter variableStoreSize: of the room for variables between them, in bytes.
    /// - Throws: `malformed_firmware`, `too_large`, and `invalid_input` for room that is not in whole pages.
    public init(
        _ module: [UInt8], below firmware: FirmwareImage, variableStoreSize: Int = defaultVariableStoreSize
    ) throws(MeasurementError) {
        guard variableStoreSize >= 0, variableStoreSize <= FirmwareImage.maximumSize,
            variableStoreSize % FirmwareImage.pageSize == 0
        else {
            throw MeasurementError(
                .invalidInput, "The room for variables has \(variableStoreSize) bytes, which are not whole pages.")
        }
        self.firmware = firmware
        image = try FirmwareImage(module, endingAt: firmware.base - UInt64(variableStoreSize))
    }

    /// Where all processors begin.
    var entry: UInt64 {
        get throws(MeasurementError) {
            guard let offset = try image.number(.serviceModule, "the service module") else {
                throw MeasurementError(
                    .unsupportedFirmware, "The image does not say where it is entered, so that it is no service module."
                )
            }
            return image.base + UInt64(offset)
        }
    }
}
