import Glibc

/// Reading of files that operators put somewhere, up to a size.
enum CollateralFile {
    /// The bytes of a file; nil when there is none that can be read.
    static func bytes(_ path: String, limit: Int) throws(CollateralFetchFailure) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return ferror(file) == 0 ? bytes : nil }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else {
                throw CollateralFetchFailure(.malformed, "\(path) is larger than \(limit) bytes.")
            }
        }
    }
}
