/// How many more manifests and indices may be read for one image.
///
/// A small index can name the same child thousands of times, and that child its own: the work grows with every level.
struct DocumentAllowance {
    private var left = 4096

    /// Counts one document.
    ///
    /// - Throws: `ImageEncryptionError` with `too_large` when there were too many.
    mutating func spend() throws {
        guard left > 0 else {
            throw ImageEncryptionError(.tooLarge, "the image consists of more than 4096 manifests and indices")
        }
        left -= 1
    }
}
