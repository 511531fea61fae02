import Encodings
import Glibc

extension KeyEncryptionKeyRing {
    private static let maximumFileSize = 64 * 1024

    /// Reads a ring from a file, for instance a mounted Kubernetes Secret or a systemd credential.
    ///
    /// - Throws: `invalid` when the file cannot be read, can be read by everybody, or holds anything but key lines.
    public init(file path: String) throws(StorageError) {
        var text = try Self.read(path)
        defer { wipe(&text) }
        try self.init(parsing: text)
    }

    /// Reads a ring from its text form.
    ///
    /// - Throws: `invalid`; the message names the line, never its content.
    public init(parsing text: [UInt8]) throws(StorageError) {
        var keys: [KeyEncryptionKey] = []
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if content.isEmpty || content.first == UInt8(ascii: "#") { continue }
            keys.append(try Self.key(content, line: index + 1))
        }
        try self.init(keys: keys)
    }

    /// Writes the ring to a new file that only its owner can read.
    ///
    /// - Throws: `invalid` when the file exists or cannot be written.
    public func write(toNewFile path: String) throws(StorageError) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .invalid("the key ring file \(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        for key in allKeys {
            var line = Array("\(key.id):\(Base64.encode(key.secret.copyBytes()))\n".utf8)
            defer { wipe(&line) }
            guard Glibc.write(descriptor, line, line.count) == line.count else {
                throw .invalid("the key ring file \(path) cannot be written")
            }
        }
        guard fsync(descriptor) == 0 else { throw .invalid("the key ring file \(path) cannot be written") }
    }

    private static func key(_ line: some Collection<UInt8>, line number: Int) throws(StorageError) -> KeyEncryptionKey {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            let id = String(validating: line[..<colon], as: UTF8.self),
            let encoded = String(validating: line[line.index(after: colon)...], as: UTF8.self),
            var secret = try? Base64.decode(encoded)
        else { throw .invalid("line \(number) of the key ring is not `id:base64`") }
        return try KeyEncryptionKey(id: id, secret: SecretBytes(wiping: &secret))
    }

    private static func read(_ path: String) throws(StorageError) -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .invalid("the key ring file \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= Self.maximumFileSize
        else { throw .invalid("the key ring file \(path) is not a small regular file") }
        guard status.st_mode & 0o007 == 0 else {
            throw .invalid("the key ring file \(path) is open to everybody: take the rights of others away (chmod o=)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count == bytes.count else { throw .invalid("the key ring file \(path) cannot be read") }
        return bytes
    }
}
