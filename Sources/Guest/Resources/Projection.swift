public import Encodings
import Glibc

/// Writes secrets into files that only their owner can read.
///
/// A file appears whole or not at all: it is written under another name in the same folder, with mode 0400 from its
/// first moment, and then renamed. Folders that are not memory-backed are refused unless disks were allowed.
public struct Projection: Sendable {
    private let allowDisk: Bool

    /// A projection; `allowDisk` lifts the demand for memory-backed folders.
    public init(allowDisk: Bool = false) {
        self.allowDisk = allowDisk
    }

    /// Writes or replaces the file. Its folder must exist.
    ///
    /// - Throws: `GuestError` with `projection`.
    public func write(_ secret: SecretBytes, to path: String) throws(GuestError) {
        let (folder, name) = try openFolder(of: path)
        defer { close(folder) }
        try requireMemory(folder, path)

        let temporary = ".claviger-\(Hex.encode(SecretBytes.random(count: 8).copyBytes()))"
        let file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard file >= 0 else { throw Self.failure("creating a file beside \(path)") }
        var isInPlace = false
        defer {
            close(file)
            if !isInPlace { unlinkat(folder, temporary, 0) }
        }
        guard fchmod(file, 0o400) == 0 else { throw Self.failure("setting the mode of \(path)") }
        try Self.write(secret, into: file, path)
        guard fsync(file) == 0 else { throw Self.failure("flushing \(path)") }
        guard renameat(folder, temporary, folder, name) == 0 else { throw Self.failure("putting \(path) in place") }
        isInPlace = true
        // Some file systems cannot flush folders; the file itself is safe by now.
        fsync(folder)
    }

    /// Removes a written file; one that is gone already is no error.
    ///
    /// - Throws: `GuestError` with `projection`.
    public func remove(_ path: String) throws(GuestError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure("removing \(path)") }
    }

    private func openFolder(of path: String) throws(GuestError) -> (folder: Int32, name: String) {
        guard let slash = path.lastIndex(of: "/"), slash != path.index(before: path.endIndex) else {
            throw GuestError(.projection, "\(path) names no file.")
        }
        let parent = slash == path.startIndex ? "/" : String(path[..<slash])
        let folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.failure("opening the folder \(parent)") }
        return (folder, String(path[path.index(after: slash)...]))
    }

    func requireMemory(_ folder: Int32, _ path: String) throws(GuestError) {
        guard !allowDisk else { return }
        var status = stat()
        guard fstat(folder, &status) == 0 else { throw Self.failure("looking at the folder of \(path)") }
        let type = try MountTable.current().type(ofDevice: UInt64(status.st_dev))
        guard type == "tmpfs" || type == "ramfs" else {
            throw GuestError(
                .projection,
                "\(path) is not in memory: secrets go to tmpfs only (in Kubernetes an emptyDir with medium: Memory), "
                    + "unless --allow-disk is given.")
        }
    }

    static func write(_ secret: SecretBytes, into file: Int32, _ path: String) throws(GuestError) {
        try secret.withUnsafeBytes { (bytes) throws(GuestError) in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw failure("writing \(path)") }
                rest = rest.dropFirst(written)
            }
        }
    }

    static func failure(_ action: String) -> GuestError {
        GuestError(.projection, "Failed \(action): \(String(cString: strerror(errno))).")
    }
}
