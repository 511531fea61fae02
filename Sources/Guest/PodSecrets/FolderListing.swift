import Glibc

/// The names in a folder.
enum FolderListing {
    /// All names but `.` and `..`; none when the folder cannot be read.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        return names(closing: folder)
    }

    /// The names in an open folder.
    static func names(in descriptor: Int32) -> [String] {
        // A descriptor of its own: reading moves the position, closing ends it.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return [] }
        guard let folder = fdopendir(own) else {
            close(own)
            return []
        }
        return names(closing: folder)
    }

    private static func names(closing folder: OpaquePointer) -> [String] {
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
