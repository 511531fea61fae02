import Encodings

/// Reading of files that operators put somewhere, up to a size.
enum CollateralFile {
    /// The bytes of a file; nil when there is none that can be read.
    static func bytes(_ path: String, limit: Int) throws(CollateralFetchFailure) -> [UInt8]? {
        do throws(BoundedFileError) {
            return try BoundedFile.bytes(path, limit: limit)
        } catch {
            guard error.code == .tooLarge else { return nil }
            throw CollateralFetchFailure(.malformed, error.message)
        }
    }
}
