import Encodings

/// The one folder whose files a caller of the key provider may name as key-encryption keys.
///
/// The agent reads with its own rights for whoever reaches its socket: without a folder no file is read at all, and what
/// is refused says nothing about files elsewhere.
struct KeyFolder {
    static let keySize = 32

    let path: String?

    /// The key in `file`, an absolute path below the folder.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    func key(in file: String) throws(GuestError) -> SecretBytes {
        guard let path else {
            throw GuestError(
                .invalidRequest, "keypath is not enabled: start the agent with --keyprovider-key-folder.")
        }
        guard let resolved = ResolvedPath.of(file, below: path) else {
            throw GuestError(.invalidRequest, "The key file \(file) is not in \(path), the folder of key files.")
        }
        let key = try SmallFile.read(resolved, limit: 4096, as: "key file")
        guard key.count == Self.keySize else {
            throw GuestError(.invalidRequest, "The key file \(file) must have 32 bytes, not \(key.count).")
        }
        return key
    }
}
