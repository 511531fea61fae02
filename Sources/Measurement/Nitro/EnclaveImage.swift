import Crypto

/// An enclave image file (EIF) of AWS Nitro Enclaves, of which the hypervisor makes PCR 0 to 2.
public struct EnclaveImage<File: Artifact>: Sendable {
    private enum Kind: UInt16 {
        case kernel = 1
        case commandLine = 2
        case ramdisk = 3
        case signature = 4
        case metadata = 5
    }

    private static var headerSize: Int { 548 }
    private static var sectionHeaderSize: Int { 12 }
    private static var maximumSections: Int { 32 }

    private let file: File
    private let sections: [(kind: Kind, content: Range<Int>)]

    /// Reads the headers of an image.
    ///
    /// - Throws: `malformed_image` for what is no image, for sections outside of the file or over one another, and without
    ///   exactly one kernel and one command line and at least one ramdisk; `unsupported_image` for a newer version.
    public init(_ file: File) throws(MeasurementError) {
        self.file = file
        var reader = StructureReader(
            try file.read(at: 0, count: Self.headerSize, "The enclave image"), "The enclave image's header")
        guard try reader.bytes(4) == Array(".eif".utf8) else { throw reader.malformed("The signature is missing.") }
        let version = try reader.u16BE()
        guard version <= 4 else {
            throw MeasurementError(
                .unsupportedImage, "The enclave image has version \(version); 4 is the newest known.")
        }
        try reader.skip(2 + 8 + 8 + 2)  // flags, memory, processors, reserved
        let count = Int(try reader.u16BE())
        guard (1...Self.maximumSections).contains(count) else { throw reader.malformed("It has \(count) sections.") }
        var offsets: [UInt64] = []
        for _ in 0..<Self.maximumSections { offsets.append(try reader.u64BE()) }
        var sections: [(kind: Kind, content: Range<Int>)] = []
        var end = Self.headerSize
        for offset in offsets.prefix(count) {
            guard let start = Int(exactly: offset), start >= end else {
                throw reader.malformed("A section begins at \(offset), before the end of what is before it.")
            }
            let section = try Self.section(of: file, at: start)
            sections.append(section)
            end = section.content.upperBound
        }
        self.sections = sections
        let kinds = sections.map(\.kind)
        guard kinds.count(where: { $0 == .kernel }) == 1, kinds.count(where: { $0 == .commandLine }) == 1,
            kinds.contains(.ramdisk)
        else { throw reader.malformed("An image has one kernel, one command line and at least one ramdisk.") }
    }

    private static func section(
        of file: File, at start: Int
    ) throws(MeasurementError) -> (kind: Kind, content: Range<Int>) {
        var reader = StructureReader(
            try file.read(at: start, count: sectionHeaderSize, "The enclave image"), "The enclave image's section")
        let type = try reader.u16BE()
        try reader.skip(2)
        let size = try reader.u64BE()
        guard let kind = Kind(rawValue: type) else { throw reader.malformed("It has the unknown type \(type).") }
        guard let count = Int(exactly: size) else { throw reader.malformed("It has \(size) bytes.") }
        return (kind, try file.range(at: start + sectionHeaderSize, count: count, "The enclave image"))
    }

    /// PCR 0, 1 and 2 with SHA-384, 48 bytes each: the whole image, the system without the application, the application.
    public func registers() throws(MeasurementError) -> [[UInt8]] {
        var (image, system, application) = (SHA384(), SHA384(), SHA384())
        var hasRamdisk = false
        for (kind, content) in sections {
            switch kind {
            case .kernel, .commandLine:
                try feed(content, into: &image, &system)
            case .ramdisk where !hasRamdisk:
                hasRamdisk = true
                try feed(content, into: &image, &system)
            case .ramdisk:
                try feed(content, into: &image, &application)
            case .signature, .metadata: break
            }
        }
        return [image, system, application].map { NitroRegister.value(ofDigest: Array($0.finalize())) }
    }

    private func feed(
        _ range: Range<Int>, into first: inout SHA384, _ second: inout SHA384
    ) throws(MeasurementError) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, start + File.pieceSize)
            let piece = try file.bytes(in: start..<end)
            first.update(data: piece)
            second.update(data: piece)
            start = end
        }
    }
}

/// Registers of a Nitro enclave that depend on who starts it and who signed its image.
public enum NitroRegister {
    /// PCR 3, from the ARN of the parent instance's role: 48 bytes.
    public static func role(_ arn: String) -> [UInt8] { value(of: Array(arn.utf8)) }

    /// PCR 4, from the identifier of the parent instance: 48 bytes.
    public static func instance(_ identifier: String) -> [UInt8] { value(of: Array(identifier.utf8)) }

    /// PCR 8, from the certificate that signs the image, in DER: 48 bytes.
    public static func signer(certificate der: [UInt8]) -> [UInt8] {
        value(ofDigest: Array(SHA384.hash(data: der)))
    }

    static func value(ofDigest digest: [UInt8]) -> [UInt8] {
        var register = MeasurementRegister(.sha384)
        register.extend(with: digest)
        return register.value
    }

    private static func value(of text: [UInt8]) -> [UInt8] { value(ofDigest: text) }
}
