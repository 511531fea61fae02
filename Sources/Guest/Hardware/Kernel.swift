/// What the attesters need of the kernel: its file systems (`/sys`, configfs, `/dev/attestation`) and its devices.
///
/// Everything that touches hardware goes through here, so that tests can stand in for any machine. Failures are
/// `GuestError` with `system_failed`, whose `systemError` is the kernel's `errno`.
public protocol Kernel: Sendable {
    /// Whether there is something at `path`, and this process may know it.
    func exists(_ path: String) -> Bool

    /// The whole content of a file.
    ///
    /// - Parameter limit: the most bytes that are accepted; a longer file is an error (`EFBIG`).
    func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8]

    /// Writes to a file that exists, in one go where the kernel takes it so.
    ///
    /// Binary attributes of configfs are committed when the file is closed, and the kernel tells nobody whether they
    /// were taken: read back what depends on it.
    func write(_ bytes: [UInt8], to path: String) throws(GuestError)

    /// Makes a folder; it is an error (`EEXIST`) when it is there.
    func makeDirectory(_ path: String) throws(GuestError)

    /// Removes a folder. The entries that the kernel put into it go with it.
    func removeDirectory(_ path: String) throws(GuestError)

    /// The names in a folder, sorted, without `.` and `..`.
    func list(_ path: String) throws(GuestError) -> [String]

    /// Opens a device. It is closed when nobody has the returned value any more.
    ///
    /// - Parameter access: how it is opened.
    func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device
}

/// How a device is opened.
public enum DeviceAccess: Sendable, Hashable {
    /// For reading, which is enough for requests to most drivers.
    case readOnly
    /// For reading and writing.
    case readWrite
}

/// An open device.
public protocol Device: Sendable {
    /// Makes a request to the driver (`ioctl`).
    ///
    /// What the driver wrote is returned also when it refused: some drivers explain themselves there.
    ///
    /// - Throws: `GuestError` with `system_failed` only when the request itself makes no sense; a driver's refusal is in
    ///   the answer.
    func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer

    /// Writes a command and reads the answer to it, as TPMs want it.
    ///
    /// - Parameter limit: the most bytes of the answer.
    func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8]
}

extension Kernel {
    /// Opens a device, makes one request and closes it.
    public func control(
        _ path: String, _ request: DeviceRequest, access: DeviceAccess = .readOnly
    ) throws(GuestError) -> DeviceAnswer {
        try open(path, access).control(request)
    }

    /// The content of a file as text without the white space around it.
    ///
    /// - Throws: `GuestError` with `system_failed` when it cannot be read, is longer than `limit` or no UTF-8.
    public func text(_ path: String, limit: Int = 4096) throws(GuestError) -> String {
        guard let text = String(validating: try read(path, limit: limit), as: UTF8.self) else {
            throw GuestError(.system, "The content of \(path) is no text.")
        }
        let isSpace: (Character) -> Bool = { $0 == "\0" || $0.isWhitespace }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
