import Crypto
import Encodings
import Glibc

/// Streams a blob out of a layout and checks its size and digest on the way.
final class BlobReader {
    static let chunkSize = 1 << 20

    private let file: Int32
    private let descriptor: Descriptor
    private var digest = SHA256()
    private var consumed: Int64 = 0
    private var finished = false

    init(path: String, descriptor: Descriptor) throws {
        // A link could lead out of the layout, and opening a FIFO could take for ever.
        file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw ImageEncryptionError(
                errno == ENOENT ? .notFound : .inputOutput,
                "blob \(descriptor.digest) cannot be opened: \(String(cString: strerror(errno)))")
        }
        self.descriptor = descriptor
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ImageEncryptionError(.inputOutput, "blob \(descriptor.digest) is no regular file")
        }
    }

    deinit { close(file) }

    /// The next chunk, or nil at the end; throws at the latest there when size or digest are wrong.
    func next() throws -> [UInt8]? {
        guard !finished else { return nil }
        var problem: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { buffer, count in
            let result = read(file, buffer.baseAddress, buffer.count)
            problem = result < 0 ? errno : 0
            count = max(0, result)
        }
        if problem == EINTR { return try next() }
        guard problem == 0 else {
            throw ImageEncryptionError(
                .inputOutput, "blob \(descriptor.digest) cannot be read: \(String(cString: strerror(problem)))")
        }
        consumed += Int64(chunk.count)
        guard consumed <= descriptor.size, !chunk.isEmpty || consumed == descriptor.size else {
            throw ImageEncryptionError(
                .digestMismatch, "blob \(descriptor.digest) does not have the promised \(descriptor.size) bytes")
        }
        guard !chunk.isEmpty else {
            finished = true
            guard BlobDigest(digest.finalize()) == descriptor.digest else {
                throw ImageEncryptionError(
                    .digestMismatch, "the bytes of blob \(descriptor.digest) have another digest")
            }
            return nil
        }
        digest.update(data: chunk)
        return chunk
    }
}

/// Takes the bytes of a new blob; the blob exists under its digest only after `commit`.
final class BlobWriter {
    private let file: Int32
    private let folder: String
    private let pendingPath: String
    private var digest = SHA256()
    private var written: Int64 = 0
    private var committed = false

    init(folder: String) throws {
        self.folder = folder
        pendingPath = folder + "/.pending-" + Hex.encode(SecretBytes.random(count: 12).copyBytes())
        file = open(pendingPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw ImageEncryptionError(.inputOutput, "\(folder) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(file)
        if !committed { unlink(pendingPath) }
    }

    func write(_ chunk: [UInt8]) throws {
        try chunk.withUnsafeBytes { buffer in
            var rest = buffer
            while !rest.isEmpty {
                let count = Glibc.write(file, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    throw ImageEncryptionError(
                        .inputOutput, "\(folder) cannot be written: \(String(cString: strerror(errno)))")
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
        digest.update(data: chunk)
        written += Int64(chunk.count)
    }

    /// The digest of what was written so far.
    var currentDigest: BlobDigest { BlobDigest(digest.finalize()) }

    /// Gives the blob its name.
    func commit() throws -> (digest: BlobDigest, size: Int64) {
        let name = currentDigest
        guard rename(pendingPath, folder + "/" + name.hex) == 0 else {
            throw ImageEncryptionError(.inputOutput, "\(folder) cannot be written: \(String(cString: strerror(errno)))")
        }
        committed = true
        return (name, written)
    }
}
