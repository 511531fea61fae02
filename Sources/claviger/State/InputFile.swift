import Glibc

/// Files that the user names; `-` is standard input.
enum InputFile {
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        if path == "-" { return try Terminal.readInput(limit: limit) }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw CommandFailure(
                "\(path) cannot be read: \(String(cString: strerror(errno)))",
                status: errno == ENOENT ? .notFound : .failed)
        }
        defer { close(file) }
        return try Terminal.readAll(of: file, named: path, limit: limit)
    }

    static func text(_ path: String, limit: Int) throws -> String {
        guard let text = String(validating: try read(path, limit: limit), as: UTF8.self) else {
            throw CommandFailure("\(path) is not UTF-8 text")
        }
        return text
    }
}
