/// A unified kernel image: systemd's stub with kernel, initrd and command line in sections, which it measures into PCR 11
/// before it uses them (UAPI Group Specifications, "Unified Kernel Image").
public struct UnifiedKernelImage<File: Artifact>: Sendable {
    /// The measured sections in the order of measuring; `.pcrsig` signs the result and cannot be part of it.
    private static var measuredSections: [String] {
        [
            ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
            ".hwids",
        ]
    }
    /// Sections of which the stub takes those that fit the machine or the choice in the menu.
    private static var chosenSections: [String] { [".profile", ".dtbauto", ".efifw"] }

    private let file: File
    private let executable: PortableExecutable<File>
    private let sections: [(name: String, content: Range<Int>)]

    /// Reads an image.
    ///
    /// - Throws: `malformed_image` for what is no executable, has no kernel, or a section twice or with less content than
    ///   memory; `unsupported_image` for an image of which the stub measures a choice of sections.
    public init(_ file: File) throws(MeasurementError) {
        self.file = file
        executable = try PortableExecutable(file)
        let all = executable.sections
        if let chosen = all.first(where: { Self.chosenSections.contains($0.name) }) {
            throw MeasurementError(
                .unsupportedImage,
                "The image has a section \(chosen.name), so that what is measured depends on the machine or a choice at boot."
            )
        }
        var sections: [(name: String, content: Range<Int>)] = []
        for name in Self.measuredSections {
            let found = all.filter { $0.name == name }
            guard found.count <= 1 else {
                throw MeasurementError(.malformedImage, "The image has the section \(name) \(found.count) times.")
            }
            guard let section = found.first else { continue }
            // Behind its size in memory the section is padded to whole blocks of the file.
            guard section.memorySize <= section.content.count else {
                throw MeasurementError(.malformedImage, "The section \(name) has less content than memory.")
            }
            let start = section.content.lowerBound
            sections.append((name, start..<start + section.memorySize))
        }
        guard sections.first?.name == ".linux" else {
            throw MeasurementError(
                .malformedImage, "The executable has no section .linux: it is no unified kernel image.")
        }
        self.sections = sections
    }

    /// The names of the sections that are measured, in that order.
    public var measuredNames: [String] { sections.map(\.name) }

    /// PCR 11 after the stub's measurements and those of the boot phases.
    ///
    /// - Parameter phases: what systemd measures while it starts, such as `enter-initrd`, `leave-initrd`, `sysinit`, `ready`.
    public func pcr11(
        _ algorithm: RegisterHash, phases: [String] = []
    ) throws(MeasurementError) -> [UInt8] {
        var register = MeasurementRegister(algorithm)
        for (name, content) in sections {
            register.extend(withDigestOf: Array(name.utf8) + [0])
            register.extend(with: try algorithm.digest(of: file, in: content))
        }
        for phase in phases { register.extend(withDigestOf: Array(phase.utf8)) }
        return register.value
    }

    /// The digest of the whole image that firmware measures into PCR 4 when it starts it.
    public func authenticode(_ algorithm: RegisterHash) throws(MeasurementError) -> [UInt8] {
        try executable.authenticode(algorithm)
    }
}
