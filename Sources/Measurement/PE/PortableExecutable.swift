/// An executable for EFI, such as a kernel or a unified kernel image (Microsoft PE Format).
public struct PortableExecutable<File: Artifact>: Sendable {
    /// A named part of the file.
    struct Section: Sendable, Hashable {
        let name: String
        /// How much memory it takes when loaded.
        let memorySize: Int
        /// What of the file it is.
        let content: Range<Int>
    }

    let sections: [Section]
    private let file: File
    private let checksum: Int
    /// Where the directory's entry for signatures stands.
    private let signatureEntry: Int
    private let signatureSize: Int
    private let headersSize: Int

    /// Reads the headers of an executable.
    ///
    /// - Throws: `malformed_image` for what is none, and for sections that lie outside of the file or over one another.
    public init(_ file: File) throws(MeasurementError) {
        self.file = file
        let layout = try PortableExecutableLayout(file)
        checksum = layout.checksum
        signatureEntry = layout.signatureEntry
        signatureSize = layout.signatureSize
        headersSize = layout.headersSize
        sections = try layout.sections(of: file).map { header in
            Section(name: header.name, memorySize: header.memorySize, content: header.content)
        }
        // Firmware adds up what it hashed to find what lies behind the sections; that is only where they do not overlap.
        var end = headersSize
        for section in sections.filter({ !$0.content.isEmpty }).sorted(by: {
            $0.content.lowerBound < $1.content.lowerBound
        }) {
            guard section.content.lowerBound >= end else {
                throw MeasurementError(
                    .malformedImage, "The section \(section.name) of the executable lies over what is before it.")
            }
            end = section.content.upperBound
        }
    }

    /// The digest that Authenticode signs and firmware measures: over all but the checksum and the signatures (Windows
    /// Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash").
    public func authenticode(_ algorithm: RegisterHash) throws(MeasurementError) -> [UInt8] {
        var ranges = [0..<checksum, checksum + 4..<signatureEntry, signatureEntry + 8..<headersSize]
        var hashed = headersSize
        for section in sections.sorted(by: { $0.content.lowerBound < $1.content.lowerBound }) {
            ranges.append(section.content)
            hashed += section.content.count
        }
        guard hashed <= file.size - signatureSize else {
            throw MeasurementError(.malformedImage, "The executable's signatures lie over its sections.")
        }
        ranges.append(hashed..<file.size - signatureSize)
        return try algorithm.digest(of: SplicedArtifact(base: file, ranges: ranges))
    }
}

/// Parts of an artefact, one behind the other.
struct SplicedArtifact<Base: Artifact>: Artifact {
    let base: Base
    let ranges: [Range<Int>]

    var size: Int { ranges.reduce(0) { $0 + $1.count } }

    func bytes(in range: Range<Int>) throws(MeasurementError) -> [UInt8] {
        var result: [UInt8] = []
        var start = 0
        for part in ranges {
            let wanted = range.clamped(to: start..<start + part.count)
            if !wanted.isEmpty {
                let offset = part.lowerBound - start
                result += try base.bytes(in: wanted.lowerBound + offset..<wanted.upperBound + offset)
            }
            start += part.count
        }
        return result
    }
}
