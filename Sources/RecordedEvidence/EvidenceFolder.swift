import Encodings
import FoundationEssentials
import Glibc
import RATS

/// The folder of a manifest, from which only files below it are read.
public struct EvidenceFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// The folder at `path`.
    public init(path: String) {
        self.path = path
    }

    /// Whether there is a file of this relative name.
    func holds(_ name: String) -> Bool {
        Self.isInside(name) && access("\(path)/\(name)", R_OK) == 0
    }

    /// The files below a folder of this relative name, in the order of their names; of an empty name,
    /// all.
    func files(below name: String) -> [String] {
        guard name.isEmpty || Self.isInside(name),
            let found = try? FileManager.default.subpathsOfDirectory(atPath: "\(path)/\(name)")
        else { return [] }
        return found.sorted().map { name.isEmpty ? $0 : "\(name)/\($0)" }
    }

    /// The content of a file by its relative name, decompressed when it is a gzip file.
    ///
    /// Throws `unreadable_file`, also for a name that leads out of the folder, for what is a link or no regular file, and
    /// for more than ``EvidenceDocument/maximumSize`` bytes.
    func bytes(_ name: String) throws(RecordedEvidenceError) -> [UInt8] {
        guard Self.isInside(name) else { throw .unreadable(name, "it is outside the manifest's folder.") }
        let limit = EvidenceDocument.maximumSize
        let bytes: [UInt8]
        do throws(BoundedFileError) {
            bytes = try BoundedFile.bytes(name, below: path, limit: limit)
        } catch {
            throw .unreadable(name, error.message)
        }
        guard Gzip.isCompressed(bytes) else { return bytes }
        guard let plain = Gzip.decompressed(bytes, limit: limit) else {
            throw .unreadable(name, "it is no sound gzip file, or too large.")
        }
        return plain
    }

    /// The guest's own document, where an entry has it as `evidence.json`.
    func documents(_ entry: EvidenceManifest.Entry, tee: TEE) throws(RecordedEvidenceError) -> [Evidence] {
        guard let file = entry.file("evidence.json") else { return [] }
        return [try EvidenceDocument.evidence(bytes(file), tee: tee)]
    }

    private static func isInside(_ name: String) -> Bool {
        let segments = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return !name.isEmpty && !name.utf8.contains(0)
            && segments.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}
