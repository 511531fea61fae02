import Encodings
import X509Trust

/// Files that a configuration names.
public enum ConfigurationFile {
    /// The largest file that is read, in bytes.
    public static let maximumBytes = 4_194_304

    /// A file's bytes; throws ``ConfigurationError`` with code `unreadable_file` or `file_too_large`.
    public static func bytes(at path: String) throws(ConfigurationError) -> [UInt8] {
        do throws(BoundedFileError) {
            return try BoundedFile.bytes(path, limit: maximumBytes)
        } catch {
            throw ConfigurationError(
                code: error.code == .tooLarge ? "file_too_large" : "unreadable_file",
                message: "The file \(error.message)")
        }
    }

    /// A file's text; throws as ``bytes(at:)`` does, and `not_text` when it is not UTF-8.
    public static func text(at path: String) throws(ConfigurationError) -> String {
        guard let text = String(validating: try bytes(at: path), as: UTF8.self) else {
            throw ConfigurationError(code: "not_text", message: "The file \(path) is not UTF-8 text.")
        }
        return text
    }
}

extension ConfigurationSection {
    /// The revocation lists in the files that a key names, in PEM or DER, at most 64.
    mutating func revocationLists(_ key: String) throws(ConfigurationError) -> [RevocationList] {
        let paths = try texts(key) ?? []
        guard paths.count <= 64 else { throw invalid(key, "names more than 64 lists.") }
        var lists: [RevocationList] = []
        for path in paths {
            let bytes = try ConfigurationFile.bytes(at: path)
            if let list = try? RevocationList(der: bytes) {
                lists.append(list)
            } else if let list = try? RevocationList(pem: String(decoding: bytes, as: UTF8.self)) {
                lists.append(list)
            } else {
                throw invalid(key, "has \(path), which holds no revocation list.")
            }
        }
        return lists
    }
}
