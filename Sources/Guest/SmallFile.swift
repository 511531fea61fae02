import Glibc
import Encodings
import Glibc

/// Reads regular files whose size is known to be small.
enum SmallFile {
    /// Whether something is there, readable or not.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The file's bytes.
    ///
    /// - Throws: `GuestError` with `invalid_request` when it is no regular file, cannot be read, or has more than `limit` bytes.
    static func read(_ path: String, limit: Int, as purpose: String) throws(GuestError) -> SecretBytes {
        do throws(BoundedFileError) {
            return try BoundedFile.secret(path, limit: limit)
        } catch {
            throw GuestError(.invalidRequest, "The \(purpose) \(error.message)")
        }
    }
}
