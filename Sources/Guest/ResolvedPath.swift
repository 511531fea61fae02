import Glibc

/// Paths without links and dots.
enum ResolvedPath {
    /// Where `path`, which is absolute, leads; nil when nothing is there.
    static func of(_ path: String) -> String? {
        guard path.hasPrefix("/"), !path.utf8.contains(0), let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Where `file` leads when that is below `folder`; nil when it leads elsewhere or nothing is there.
    static func of(_ file: String, below folder: String) -> String? {
        guard let folder = of(folder), let file = of(file), file.hasPrefix(folder == "/" ? folder : folder + "/") else {
            return nil
        }
        return file
    }
}
