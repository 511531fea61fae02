import Encodings

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
