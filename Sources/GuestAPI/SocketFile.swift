import Glibc

/// The file of a Unix socket: left-overs of an earlier run go, and its owner's group may connect.
enum SocketFile {
    /// Removes a socket that is left over; any other kind of file stays and makes binding fail.
    static func removeStale(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        unlink(path)
    }

    static func restrict(_ path: String, to mode: mode_t = 0o660) {
        chmod(path, mode)
    }

    /// Makes the folders of a path that are missing; they may be passed through by everybody. Binding says what failed.
    static func makeFolder(of path: String) {
        let names = path.split(separator: "/").dropLast()
        for count in names.indices.map({ $0 + 1 }) {
            let folder = "/" + names.prefix(count).joined(separator: "/")
            // The mode of mkdir is subject to the process's mask.
            if mkdir(folder, 0o755) == 0 { chmod(folder, 0o755) }
        }
    }
}
