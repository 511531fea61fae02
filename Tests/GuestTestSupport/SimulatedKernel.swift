import Glibc
import Guest
import Synchronization

/// A kernel in memory: files, folders and devices as a test makes them, and a record of what was asked of it.
public final class SimulatedKernel: Kernel {
    /// What stands at a path.
    public enum Node: Sendable {
        /// A file whose content does not change by being read.
        case file([UInt8])
        /// A file that tells a driver what is done to it.
        case attribute(
            read: @Sendable () throws(GuestError) -> [UInt8], write: @Sendable ([UInt8]) throws(GuestError) -> Void)
        /// A folder.
        case folder
        /// A device; the closure answers requests.
        case device(any Device)
    }

    /// A folder in which folders that are made are filled by a driver, as in configfs.
    public protocol FolderDriver: Sendable {
        /// The entries of a new folder.
        func make(_ path: String) throws(GuestError) -> [String: Node]
        /// Takes note that a folder is gone.
        func remove(_ path: String)
    }

    private struct State {
        var nodes: [String: Node] = [:]
        var drivers: [String: any FolderDriver] = [:]
        var calls: [String] = []
    }

    private let state = Mutex(State())

    /// A kernel without anything.
    public init() {}

    /// Puts something at a path, in place of what was there.
    public func put(_ node: Node, at path: String) { state.withLock { $0.nodes[path] = node } }

    /// Puts a text file at a path.
    public func put(_ text: String, at path: String) { put(.file(Array(text.utf8)), at: path) }

    /// Makes a folder whose new folders a driver fills.
    public func put(_ driver: any FolderDriver, at path: String) {
        state.withLock {
            $0.nodes[path] = .folder
            $0.drivers[path] = driver
        }
    }

    /// What was asked, in order: `read /path`, `write /path`, `mkdir /path`, `rmdir /path`, `open /path`.
    public var calls: [String] { state.withLock { $0.calls } }

    /// The paths that are there.
    public var paths: [String] { state.withLock { $0.nodes.keys.sorted() } }

    /// That a path is refused with an error number.
    public static func refusal(_ number: Int32, _ path: String) -> GuestError {
        GuestError(.system, "\(path): \(String(cString: strerror(number)))", systemError: number)
    }

    private func node(_ path: String, for call: String) throws(GuestError) -> Node {
        let node = state.withLock { state in
            state.calls.append("\(call) \(path)")
            return state.nodes[path]
        }
        guard let node else { throw Self.refusal(ENOENT, path) }
        return node
    }

    /// Whether something stands at the path.
    public func exists(_ path: String) -> Bool { state.withLock { $0.nodes[path] != nil } }

    /// What stands in the file.
    public func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8] {
        let bytes: [UInt8]
        switch try node(path, for: "read") {
        case .file(let content): bytes = content
        case .attribute(let read, _): bytes = try read()
        case .folder: throw Self.refusal(EISDIR, path)
        case .device: throw Self.refusal(EINVAL, path)
        }
        guard bytes.count <= limit else { throw Self.refusal(EFBIG, path) }
        return bytes
    }

    /// Writes to the file.
    public func write(_ bytes: [UInt8], to path: String) throws(GuestError) {
        switch try node(path, for: "write") {
        case .file: put(.file(bytes), at: path)
        case .attribute(_, let write): try write(bytes)
        case .folder: throw Self.refusal(EISDIR, path)
        case .device: throw Self.refusal(EINVAL, path)
        }
    }

    /// Makes a folder, which the driver of its parent fills.
    public func makeDirectory(_ path: String) throws(GuestError) {
        let parent = Self.parent(path)
        let (driver, known, hasParent) = state.withLock { state in
            state.calls.append("mkdir \(path)")
            return (state.drivers[parent], state.nodes[path] != nil, state.nodes[parent] != nil)
        }
        guard hasParent else { throw Self.refusal(ENOENT, path) }
        guard !known else { throw Self.refusal(EEXIST, path) }
        let entries = try driver?.make(path) ?? [:]
        state.withLock { state in
            state.nodes[path] = .folder
            for (name, node) in entries { state.nodes["\(path)/\(name)"] = node }
        }
    }

    /// Removes a folder with its entries.
    public func removeDirectory(_ path: String) throws(GuestError) {
        _ = try node(path, for: "rmdir")
        let driver = state.withLock { state in
            state.nodes = state.nodes.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
            return state.drivers[Self.parent(path)]
        }
        driver?.remove(path)
    }

    /// The names below the path.
    public func list(_ path: String) throws(GuestError) -> [String] {
        _ = try node(path, for: "list")
        return paths.filter { Self.parent($0) == path }.map { String($0.dropFirst(path.count + 1)) }
    }

    /// The device at the path.
    public func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device {
        guard case .device(let device) = try node(path, for: "open") else { throw Self.refusal(ENOTTY, path) }
        return device
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
