#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads whole files up to a size: never more than the limit is read, whatever a file says of itself.
public enum BoundedFile {
    /// What a path may lead to.
    public enum Kind: Sendable, Hashable {
        /// A regular file. Opening anything else does not wait.
        case regular
        /// A regular file that the path itself names, no link.
        case regularWithoutLink
        /// Also a pipe, which is waited for: for what a person names on a command line.
        case stream
    }

    /// The bytes of a file.
    ///
    /// - Throws: ``BoundedFileError``; `tooLarge` for more than `limit` bytes.
    public static func bytes(
        _ path: String, limit: Int, kind: Kind = .regular
    ) throws(BoundedFileError) -> [UInt8] {
        let file = try opened(open(path, kind.flags), path, kind)
        defer { close(file) }
        return try bytes(of: file, named: path, limit: limit)
    }

    /// The text of a file in UTF-8.
    ///
    /// - Throws: ``BoundedFileError``; `notText` when it is not UTF-8.
    public static func text(
        _ path: String, limit: Int, kind: Kind = .regular
    ) throws(BoundedFileError) -> String {
        guard let text = String(validating: try bytes(path, limit: limit, kind: kind), as: UTF8.self) else {
            throw BoundedFileError(.notText, "\(path) is not UTF-8 text.")
        }
        return text
    }

    /// The bytes of a file with a secret; no other copy of them is left. Takes `limit` bytes of memory meanwhile.
    ///
    /// - Throws: ``BoundedFileError``.
    public static func secret(
        _ path: String, limit: Int, kind: Kind = .regular
    ) throws(BoundedFileError) -> SecretBytes {
        let file = try opened(open(path, kind.flags), path, kind)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        defer { wipe(&bytes) }
        var count = 0
        while count < bytes.count {
            let got = try some(of: file, named: path, into: &bytes, from: count)
            if got == 0 { break }
            count += got
        }
        guard count <= limit else { throw .tooLarge(path, limit) }
        return bytes.withUnsafeBytes { SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// The bytes of a regular file below a folder, by its relative name: neither a link on the way nor `..` leads out.
    ///
    /// - Throws: ``BoundedFileError``.
    public static func bytes(
        _ name: String, below folder: String, limit: Int
    ) throws(BoundedFileError) -> [UInt8] {
        let segments = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let last = segments.last, !name.utf8.contains(0),
            segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else { throw BoundedFileError(.unreadable, "\(name) is no name below a folder.") }
        let (folders, path) = (O_RDONLY | O_DIRECTORY | O_CLOEXEC, "\(folder)/\(name)")
        var parent = open(folder, folders)
        for segment in segments.dropLast() where parent >= 0 {
            let next = openat(parent, segment, folders | O_NOFOLLOW)
            let reason = errno
            close(parent)
            (parent, errno) = (next, reason)
        }
        guard parent >= 0 else { throw BoundedFileError(opening: path, errno) }
        defer { close(parent) }
        let kind = Kind.regularWithoutLink
        let file = try opened(openat(parent, last, kind.flags), path, kind)
        defer { close(file) }
        return try bytes(of: file, named: path, limit: limit)
    }

    /// The descriptor, if it was opened and is of a kind that may be read.
    private static func opened(_ file: Int32, _ path: String, _ kind: Kind) throws(BoundedFileError) -> Int32 {
        guard file >= 0 else { throw BoundedFileError(opening: path, errno) }
        var status = stat()
        let isKnown = fstat(file, &status) == 0
        let type = status.st_mode & S_IFMT
        guard isKnown, type == S_IFREG || (kind == .stream && type != S_IFDIR) else {
            close(file)
            throw BoundedFileError(.notRegular, "\(path) is no regular file.")
        }
        return file
    }

    private static func bytes(
        of file: Int32, named path: String, limit: Int
    ) throws(BoundedFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit + 1, 65_536))
        while true {
            let got = try some(of: file, named: path, into: &chunk, from: 0)
            if got == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<got])
            guard bytes.count <= limit else { throw .tooLarge(path, limit) }
        }
    }

    private static func some(
        of file: Int32, named path: String, into buffer: inout [UInt8], from start: Int
    ) throws(BoundedFileError) -> Int {
        while true {
            let got = buffer.withUnsafeMutableBytes { buffer in
                read(file, buffer.baseAddress?.advanced(by: start), buffer.count - start)
            }
            if got >= 0 { return got }
            guard errno == EINTR else { throw BoundedFileError(opening: path, errno) }
        }
    }
}

extension BoundedFile.Kind {
    /// Without `O_NONBLOCK`, opening a FIFO would hold the thread for as long as nobody writes.
    fileprivate var flags: Int32 {
        switch self {
        case .regular: O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        case .regularWithoutLink: O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW
        case .stream: O_RDONLY | O_CLOEXEC | O_NOCTTY
        }
    }
}

/// Why a file was not read.
public struct BoundedFileError: Error, Sendable, Hashable {
    /// The kinds of failure.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no such file.
        case missing
        /// It cannot be opened or read.
        case unreadable
        /// It is a folder, a pipe, a device, or a link where none may be.
        case notRegular
        /// It has more bytes than may be read.
        case tooLarge
        /// It is not UTF-8.
        case notText
    }

    /// What kind of failure it is.
    public let code: Code
    /// A sentence for the operator, without any of the content.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    fileprivate init(opening path: String, _ reason: Int32) {
        let code: Code =
            switch reason {
            case ENOENT, ENOTDIR: .missing
            case ELOOP: .notRegular
            default: .unreadable
            }
        self.init(code, "\(path) cannot be read: \(String(cString: strerror(reason))).")
    }

    fileprivate static func tooLarge(_ path: String, _ limit: Int) -> BoundedFileError {
        BoundedFileError(.tooLarge, "\(path) is larger than \(limit) bytes.")
    }
}
