/// Where the parts of an executable stand, as its headers say.
struct PortableExecutableLayout {
    struct SectionHeader {
        let name: String
        let memorySize: Int
        let content: Range<Int>
    }

    /// What firmware loads has a handful of sections.
    private static let maximumSections = 96
    private static let sectionHeaderSize = 40

    let checksum: Int
    let signatureEntry: Int
    let signatureSize: Int
    let headersSize: Int
    private let sectionTable: Int
    private let sectionCount: Int

    init(_ file: some Artifact) throws(MeasurementError) {
        let name = "The executable"
        let stub = try file.read(at: 0, count: 64, name)
        guard stub.starts(with: Array("MZ".utf8)) else { throw Self.notExecutable }
        let start = Int(stub[60]) | Int(stub[61]) << 8 | Int(stub[62]) << 16 | Int(stub[63]) << 24
        var coff = StructureReader(try file.read(at: start, count: 24, name), "The executable's header")
        guard try coff.bytes(4) == Array("PE\0\0".utf8) else { throw Self.notExecutable }
        try coff.skip(2)
        sectionCount = Int(try coff.u16LE())
        try coff.skip(12)
        let optionalSize = Int(try coff.u16LE())
        guard sectionCount <= Self.maximumSections else { throw coff.malformed("It has \(sectionCount) sections.") }
        let optional = start + 24
        sectionTable = optional + optionalSize

        var reader = StructureReader(
            try file.read(at: optional, count: optionalSize, name), "The executable's optional header")
        let directories: Int
        switch try reader.u16LE() {
        case 0x10B: directories = 96
        case 0x20B: directories = 112
        case let magic: throw reader.malformed("It has the magic number \(magic).")
        }
        try reader.skip(58)
        headersSize = Int(try reader.u32LE())
        checksum = optional + 64
        try reader.skip(directories - 4 - reader.position)
        guard try reader.u32LE() > 4 else {
            throw reader.malformed("It has no place for signatures, so that firmware cannot measure it.")
        }
        try reader.skip(4 * 8)
        signatureEntry = optional + reader.position
        try reader.skip(4)
        signatureSize = Int(try reader.u32LE())
        guard headersSize <= file.size, signatureSize <= file.size,
            headersSize >= sectionTable + sectionCount * Self.sectionHeaderSize
        else { throw reader.malformed("Its headers have \(headersSize) bytes and its signatures \(signatureSize).") }
    }

    func sections(of file: some Artifact) throws(MeasurementError) -> [SectionHeader] {
        let table = try file.read(
            at: sectionTable, count: sectionCount * Self.sectionHeaderSize, "The executable's section table")
        var reader = StructureReader(table, "The executable's section table")
        var sections: [SectionHeader] = []
        for _ in 0..<sectionCount {
            let name = String(decoding: try reader.bytes(8).prefix { $0 != 0 }, as: UTF8.self)
            let memorySize = Int(try reader.u32LE())
            try reader.skip(4)
            let size = Int(try reader.u32LE())
            let start = Int(try reader.u32LE())
            try reader.skip(16)
            // Without content a section's place in the file means nothing.
            let content =
                size == 0
                ? 0..<0 : try file.range(at: start, count: size, "The section \(name) of the executable")
            sections.append(SectionHeader(name: name, memorySize: memorySize, content: content))
        }
        return sections
    }

    private static let notExecutable = MeasurementError(.malformedImage, "The file is no executable for EFI (PE).")
}
