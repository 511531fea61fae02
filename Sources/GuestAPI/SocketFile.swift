import Glibc

/// The file of a Unix socket: left-overs of an earlier run go, and its owner's group may connect.
enum SocketFile {
    /// Removes a socket that is left over; any other kind of file stays and makes binding fail.
    static func removeStale(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        unlink(path)
    }

    static func restrict(_ path: String) {
        chmod(path, 0o660)
    }
}
