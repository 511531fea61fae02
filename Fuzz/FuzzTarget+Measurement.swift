import Crypto

@testable import Measurement

#if canImport(Glibc)
    import Glibc
#endif

/// Artefacts of guests as anybody may build them.
extension FuzzTarget {
    /// A firmware image: its table, and what it wants of SEV and TDX. Images have whole pages.
    func ovmf(_ bytes: [UInt8]) {
        let padding = [UInt8](repeating: 0, count: (4096 - bytes.count % 4096) % 4096)
        guard let firmware = try? FirmwareImage(padding + bytes) else { return }
        if let metadata = try? SEVMetadata(of: firmware) {
            guard metadata.sections.reduce(0, { $0 + $1.pageCount }) <= SEVMetadata.maximumPages else { abort() }
        }
        if let metadata = try? TDXMetadata(of: firmware) {
            for section in metadata.sections {
                guard section.content.upperBound <= firmware.bytes.count,
                    section.content.count <= section.pageCount * FirmwareImage.pageSize
                else { abort() }
            }
        }
        guard let processors = try? VirtualProcessors(count: 2, model: ProcessorModel(signature: 0)) else { abort() }
        let kernel = try? KernelHashes(kernel: MemoryArtifact([]), initrd: nil, commandLine: "")
        if let digest = try? SNPLaunch(.firmware(firmware, kernel), processors: processors).measurement() {
            guard digest.count == 48 else { abort() }
        }
        _ = try? SEVLaunch(firmware, kernel: kernel, registers: .processors(processors)).digest()
        _ = try? TDXLaunch(firmware).measurement()
        _ = try? ServiceModule(firmware.bytes, below: firmware).entry
    }

    /// An enclave image: what is measured lies in the file, behind the header.
    func enclave(_ bytes: [UInt8]) {
        guard let image = try? EnclaveImage(MemoryArtifact(bytes)) else { return }
        // Whatever was read can be measured.
        guard let registers = try? image.registers(), registers.allSatisfy({ $0.count == 48 }) else { abort() }
    }

    /// An executable for EFI, and the unified kernel image that it may be.
    func executable(_ bytes: [UInt8]) {
        let file = MemoryArtifact(bytes)
        if let image = try? PortableExecutable(file) {
            // No byte is hashed twice, so that no section stands for another.
            guard image.sections.reduce(0, { $0 + $1.content.count }) <= bytes.count else { abort() }
            _ = try? image.authenticode(.sha256)
        }
        if let image = try? UnifiedKernelImage(file) {
            guard (try? image.pcr11(.sha256)) != nil, Set(image.measuredNames).count == image.measuredNames.count else {
                abort()
            }
        }
        if let placement = try? QEMUKernelPlacement(memory: 1 << 30),
            let patched = try? placement.patched(file, initrdSize: 4096)
        {
            guard patched.size == bytes.count, (try? patched.digest(SHA256.self)) != nil else { abort() }
        }
    }

    /// A Secure Execution header, alone and in an image; and the small structures of the other kinds.
    func secureExecution(_ bytes: [UInt8]) {
        _ = try? SecureExecutionHeader(in: MemoryArtifact(bytes))
        guard let header = try? SecureExecutionHeader(parsing: bytes) else { return }
        guard header.imageIdentity.count == 208, !header.hostKeyHashes.isEmpty else { abort() }
        // What follows it may hold another header, and then neither counts.
        if let found = try? SecureExecutionHeader(in: MemoryArtifact(bytes)), found != header { abort() }
    }

    /// An ID block, or an ID authentication block.
    func idBlock(_ bytes: [UInt8]) {
        if let block = try? SNPIdentityBlock(parsing: bytes), block.encoded != bytes { abort() }
        guard let authentication = try? SNPIdentityAuthentication(parsing: bytes) else { return }
        guard authentication.idKey.encoded == Array(bytes[0x240..<0x644]) else { abort() }
    }
}
