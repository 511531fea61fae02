/// The boot of a trust domain whose firmware starts a Linux kernel that the host hands it, without a disk; it goes into
/// RTMR 1 and RTMR 2.
public struct TDXDirectBoot: Sendable {
    /// SHA-384 over the kernel as firmware starts it: 48 bytes; in the event log the digest of `File(kernel)`.
    public let kernelDigest: [UInt8]
    /// SHA-384 over the kernel's load options: 48 bytes; in the event log the digest of `LOADED_IMAGE::LoadOptions`.
    public let optionsDigest: [UInt8]
    /// SHA-384 over the initrd: 48 bytes; `nil` when there is none.
    public let initrdDigest: [UInt8]?

    /// A boot of these files.
    ///
    /// - Parameters:
    ///   - kernel: a bzImage.
    ///   - commandLine: what follows QEMU's `-append`; where there is an initrd, OVMF adds where to find it.
    ///   - placement: how QEMU fills in the kernel's setup header; `nil` when it is started unchanged.
    /// - Throws: `malformed_image` for a kernel that is no bootable one, `invalid_input` for a command line with a NUL.
    public init(
        kernel: some Artifact, initrd: (any Artifact)?, commandLine: String, placement: QEMUKernelPlacement?
    ) throws(MeasurementError) {
        guard !commandLine.utf8.contains(0), commandLine.utf8.count <= KernelHashes.maximumCommandLine else {
            throw MeasurementError(.invalidInput, "The command line is too long, or has a NUL in it.")
        }
        if let placement {
            let patched = try placement.patched(kernel, initrdSize: initrd?.size ?? 0)
            kernelDigest = try PortableExecutable(patched).authenticode(.sha384)
        } else {
            kernelDigest = try PortableExecutable(kernel).authenticode(.sha384)
        }
        let options = initrd == nil ? commandLine : commandLine + " initrd=initrd"
        optionsDigest = RegisterHash.sha384.digest(of: Self.loadOptions(options))
        if let initrd {
            initrdDigest = try RegisterHash.sha384.digest(of: initrd)
        } else {
            initrdDigest = nil
        }
    }

    /// A boot of which the digests are known, from an event log.
    public init(kernelDigest: [UInt8], optionsDigest: [UInt8], initrdDigest: [UInt8]?) {
        self.kernelDigest = kernelDigest
        self.optionsDigest = optionsDigest
        self.initrdDigest = initrdDigest
    }

    /// RTMR 1: 48 bytes.
    ///
    /// - Parameter hasSeparator: whether the firmware marks in this register that it hands over to an operating system.
    public func register1(hasSeparator: Bool) -> [UInt8] {
        var register = MeasurementRegister(.sha384)
        register.extend(with: kernelDigest)
        register.extend(withDigestOf: Array("Calling EFI Application from Boot Option".utf8))
        if hasSeparator { register.extend(withDigestOf: [0, 0, 0, 0]) }
        register.extend(withDigestOf: Array("Exit Boot Services Invocation".utf8))
        register.extend(withDigestOf: Array("Exit Boot Services Returned with Success".utf8))
        return register.value
    }

    /// RTMR 2: 48 bytes.
    public func register2() -> [UInt8] {
        var register = MeasurementRegister(.sha384)
        register.extend(with: optionsDigest)
        if let initrdDigest { register.extend(with: initrdDigest) }
        return register.value
    }

    /// What td-shim measures of a command line: SHA-384 over it and zeros up to 4096 bytes.
    ///
    /// - Throws: `invalid_input` for a command line with a NUL, `too_large` for one that leaves no zero behind itself.
    public static func shimCommandLineDigest(_ commandLine: String) throws(MeasurementError) -> [UInt8] {
        let text = Array(commandLine.utf8)
        guard text.count < 4096 else {
            throw MeasurementError(.tooLarge, "td-shim takes a command line of at most 4095 bytes.")
        }
        guard !text.contains(0) else { throw MeasurementError(.invalidInput, "The command line has a NUL in it.") }
        return RegisterHash.sha384.digest(of: text.padded(to: 4096))
    }

    /// The options in UTF-16, least significant byte first, with a NUL.
    private static func loadOptions(_ text: String) -> [UInt8] {
        (Array(text.utf16) + [0]).flatMap(\.littleEndianBytes)
    }
}
