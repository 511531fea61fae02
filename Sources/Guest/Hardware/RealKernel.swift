import Glibc

/// The kernel that this process runs on.
public struct RealKernel: Kernel {
    private static let mostNames = 65_536
    private let root: String

    /// The kernel, with all paths below `root`.
    ///
    /// - Parameter root: the folder that stands for `/`: empty for the machine itself, another where the machine's file
    ///   systems are mounted elsewhere.
    public init(root: String = "") {
        self.root = root
    }

    /// Whether there is something at `path`.
    public func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

    /// The whole content of a file.
    public func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8] {
        let file = try opened(path, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: min(limit, 65_536) + 1)
        var count = 0
        while true {
            let got = try file.read(into: &bytes, from: count)
            if got == 0 { break }
            count += got
            guard count <= limit else {
                throw GuestError(.system, "\(path) is longer than \(limit) bytes.", systemError: EFBIG)
            }
            if count == bytes.count {
                bytes.append(contentsOf: repeatElement(0, count: min(bytes.count, limit + 1 - count)))
            }
        }
        bytes.removeSubrange(count...)
        return bytes
    }

    /// Writes to a file that exists.
    public func write(_ bytes: [UInt8], to path: String) throws(GuestError) {
        let file = try opened(path, O_WRONLY)
        try file.write(bytes)
        try file.close()
    }

    /// Makes a folder, closed to others.
    public func makeDirectory(_ path: String) throws(GuestError) {
        guard mkdir(root + path, 0o700) == 0 else { throw .system("make the folder", path) }
    }

    /// Removes a folder.
    public func removeDirectory(_ path: String) throws(GuestError) {
        guard rmdir(root + path) == 0 else { throw .system("remove the folder", path) }
    }

    /// The names in a folder, sorted.
    public func list(_ path: String) throws(GuestError) -> [String] {
        guard let folder = opendir(root + path) else { throw .system("list", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            guard names.count < Self.mostNames else {
                throw GuestError(.system, "\(path) has more than \(Self.mostNames) entries.", systemError: EFBIG)
            }
            names.append(name)
        }
        guard errno == 0 else { throw .system("list", path) }
        return names.sorted()
    }

    /// Opens a device.
    public func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device {
        RealDevice(file: try opened(path, access == .readOnly ? O_RDONLY : O_RDWR))
    }

    private func opened(_ path: String, _ flags: Int32) throws(GuestError) -> KernelFile {
        while true {
            let descriptor = Glibc.open(root + path, flags | O_CLOEXEC | O_NOCTTY)
            if descriptor >= 0 { return KernelFile(descriptor, path: path) }
            guard errno == EINTR else { throw .system("open", path) }
        }
    }
}

extension GuestError {
    /// That the kernel refused, with what it said last.
    static func system(_ action: String, _ path: String, _ number: Int32 = errno) -> GuestError {
        GuestError(
            .system, "The kernel refused to \(action) \(path): \(String(cString: strerror(number))).",
            systemError: number)
    }
}
