import Crypto

/// The hashes of kernel, initrd and command line that a firmware for SEV compares with what the host hands it.
public struct KernelHashes: Sendable, Hashable {
    /// The greatest length of a command line in bytes: what QEMU lets through.
    public static let maximumCommandLine = 65_536
    /// The size of the table in bytes, with the padding behind it.
    static let tableSize = 176

    private let kernel: [UInt8]
    private let initrd: [UInt8]
    private let commandLine: [UInt8]

    /// The hashes of these files.
    ///
    /// - Parameters:
    ///   - initrd: `nil` counts as an empty file.
    ///   - commandLine: what follows QEMU's `-append`.
    /// - Throws: `invalid_input` for a command line with a NUL, `too_large`, `unreadable`.
    public init(
        kernel: some Artifact, initrd: (any Artifact)?, commandLine: String
    ) throws(MeasurementError) {
        let text = Array(commandLine.utf8)
        guard text.count <= Self.maximumCommandLine else {
            throw MeasurementError(.tooLarge, "The command line is longer than \(Self.maximumCommandLine) bytes.")
        }
        guard !text.contains(0) else { throw MeasurementError(.invalidInput, "The command line has a NUL in it.") }
        self.kernel = try kernel.digest(SHA256.self)
        self.initrd =
            if let initrd { try initrd.digest(SHA256.self) } else { Array(SHA256.hash(data: [UInt8]())) }
        self.commandLine = Array(SHA256.hash(data: text + [0]))
    }

    /// The table as QEMU writes it into the guest's memory (target/i386/sev.c): 168 bytes, padded to a multiple of 16.
    var table: [UInt8] {
        let entries = [
            (FirmwareGUID.commandLineHash, commandLine), (.initrdHash, initrd), (.kernelHash, kernel),
        ]
        let body = entries.flatMap { name, hash in
            name.bytes + UInt16(16 + 2 + hash.count).littleEndianBytes + hash
        }
        let header = FirmwareGUID.hashTable.bytes + UInt16(16 + 2 + body.count).littleEndianBytes
        return (header + body).padded(to: Self.tableSize)
    }

    /// Where in guest memory the table goes.
    ///
    /// Throws `unsupported_firmware` when the firmware has no room for it: such firmware would start any kernel.
    static func address(in firmware: FirmwareImage) throws(MeasurementError) -> UInt64 {
        guard let entry = firmware.entry(.hashTableArea) else { throw unverifying }
        var reader = StructureReader(entry, "The firmware's entry for kernel hashes", .malformedFirmware)
        let address = try reader.u32LE()
        let size = try reader.u32LE()
        guard address != 0, size >= UInt32(tableSize) else { throw unverifying }
        return UInt64(address)
    }

    static let unverifying = MeasurementError(
        .unsupportedFirmware,
        "The firmware has no place for kernel hashes, so that it would start any kernel: take one built for direct boot (OVMF's AmdSev package)."
    )
}
