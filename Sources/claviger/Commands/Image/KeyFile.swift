import Encodings

/// Key-encryption keys in files: 32 raw bytes.
enum KeyFile {
    static func read(_ path: String) throws -> SecretBytes {
        var bytes = try InputFile.read(path, limit: 4096)
        let key = SecretBytes(wiping: &bytes)
        guard key.count == 32 else {
            throw CommandFailure("\(path) holds \(key.count) bytes; a key-encryption key has 32")
        }
        return key
    }
}
