import Encodings
import FoundationEssentials
import Glibc

/// A folder of secrets as the kubelet arranges its volumes: the files lie in a folder with a version's name, `..data` leads
/// to that, and the names that programs open lead through `..data`. Replacing `..data` changes all files at once.
struct SecretFolder: Sendable {
    struct File: Sendable {
        let name: String
        let content: SecretBytes
        let mode: UInt32
        let user: UInt32?
        let group: UInt32?
    }

    private static let data = "..data"
    private static let versionPrefix = "..v"

    let path: String
    private let projection: Projection

    init(_ path: String, by projection: Projection) {
        self.path = path
        self.projection = projection
    }

    /// Puts a new version in place and removes those before it. The folder is made when only it is missing.
    ///
    /// - Throws: `GuestError` with `projection`. When the new version cannot be written, the one before stays in place, without
    ///   the files that are to go; when a name cannot be made or an old version resists, the new one is in place and the rest
    ///   was done.
    func write(_ files: [File], at now: Date) throws(GuestError) {
        guard !files.isEmpty else { return try remove() }
        if mkdir(path, 0o755) == 0 { chmod(path, 0o755) }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Projection.failure("opening the folder \(path)") }
        defer { close(folder) }
        try projection.requireMemory(folder, path)

        let version = Self.versionName(now)
        do throws(GuestError) {
            try write(files, to: version, in: folder)
            try link(Self.data, to: version, in: folder)
        } catch {
            Self.removeVersion(version, in: folder)
            withdraw(allBut: Set(files.map(\.name)), in: folder)
            throw error
        }
        var failure: GuestError?
        for file in files where Self.target(of: file.name, in: folder) != "\(Self.data)/\(file.name)" {
            do throws(GuestError) {
                try link(file.name, to: "\(Self.data)/\(file.name)", in: folder)
            } catch {
                failure = error
            }
        }
        let left = tidy(folder, keeping: version, files: Set(files.map(\.name)))
        guard left.isEmpty else {
            let sentence = "Old secrets in \(path) cannot be removed: \(left.joined(separator: ", "))."
            throw failure?.adding(sentence) ?? GuestError(.projection, sentence)
        }
        if let failure { throw failure }
    }

    /// Removes everything that was put there; the folder itself stays.
    ///
    /// - Throws: `GuestError` with `projection` when something resists.
    func remove() throws(GuestError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            guard errno == ENOENT else { throw Projection.failure("opening the folder \(path)") }
            return
        }
        defer { close(folder) }
        _ = tidy(folder, keeping: nil, files: [])
        unlinkat(folder, Self.data, 0)
        guard !FolderListing.names(in: folder).contains(where: Self.isOurs) else {
            throw GuestError(.projection, "Secrets in \(path) cannot be removed.")
        }
    }

    /// Removes files from the version in place: whoever fills the folder's file system must not keep a secret by that.
    private func withdraw(allBut files: Set<String>, in folder: Int32) {
        guard let version = Self.target(of: Self.data, in: folder), version.hasPrefix(Self.versionPrefix),
            !version.contains("/")
        else { return }
        let place = openat(folder, version, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard place >= 0 else { return }
        defer { close(place) }
        for name in FolderListing.names(in: place) where !files.contains(name) {
            unlinkat(place, name, 0)
            if Self.target(of: name, in: folder) == "\(Self.data)/\(name)" { unlinkat(folder, name, 0) }
        }
    }

    private func write(_ files: [File], to version: String, in folder: Int32) throws(GuestError) {
        guard mkdirat(folder, version, 0o700) == 0 else { throw Projection.failure("making a version in \(path)") }
        let place = openat(folder, version, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard place >= 0 else { throw Projection.failure("opening a version in \(path)") }
        defer { close(place) }
        for file in files { try write(file, in: place) }
        // Others may pass: what they may read is the files' own matter.
        guard fchmod(place, 0o755) == 0 else { throw Projection.failure("setting the mode of a version in \(path)") }
    }

    private func write(_ file: File, in place: Int32) throws(GuestError) {
        let full = "\(path)/\(file.name)"
        let descriptor = openat(place, file.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard descriptor >= 0 else { throw Projection.failure("creating \(full)") }
        defer { close(descriptor) }
        try Projection.write(file.content, into: descriptor, full)
        if file.user != nil || file.group != nil {
            guard fchown(descriptor, file.user ?? .max, file.group ?? .max) == 0 else {
                throw Projection.failure("giving \(full) to its owner")
            }
        }
        guard fchmod(descriptor, mode_t(file.mode)) == 0 else {
            throw Projection.failure("setting the mode of \(full)")
        }
        guard fsync(descriptor) == 0 else { throw Projection.failure("flushing \(full)") }
    }

    /// Makes or replaces a link in one step.
    private func link(_ name: String, to target: String, in folder: Int32) throws(GuestError) {
        let temporary = "\(Self.versionPrefix)link-\(Self.randomName())"
        guard symlinkat(target, folder, temporary) == 0 else { throw Projection.failure("making a link in \(path)") }
        guard renameat(folder, temporary, folder, name) == 0 else {
            unlinkat(folder, temporary, 0)
            throw Projection.failure("putting \(path)/\(name) in place")
        }
    }

    /// Removes other versions, what an interrupted run left, and links to files that are no more.
    ///
    /// - Returns: versions that resist.
    private func tidy(_ folder: Int32, keeping version: String?, files: Set<String>) -> [String] {
        var left: [String] = []
        for name in FolderListing.names(in: folder) where name != Self.data && name != version {
            if name.hasPrefix(Self.versionPrefix) {
                if !Self.removeVersion(name, in: folder) { left.append(name) }
            } else if !files.contains(name), Self.target(of: name, in: folder) == "\(Self.data)/\(name)" {
                unlinkat(folder, name, 0)
            }
        }
        return left
    }

    /// Whether it is gone afterwards.
    @discardableResult
    private static func removeVersion(_ name: String, in folder: Int32) -> Bool {
        if unlinkat(folder, name, 0) == 0 { return true }
        let place = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard place >= 0 else { return errno == ENOENT }
        for file in FolderListing.names(in: place) { unlinkat(place, file, 0) }
        close(place)
        return unlinkat(folder, name, AT_REMOVEDIR) == 0
    }

    private static func isOurs(_ name: String) -> Bool { name == data || name.hasPrefix(versionPrefix) }

    private static func target(of name: String, in folder: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = readlinkat(folder, name, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func versionName(_ now: Date) -> String {
        "\(versionPrefix)\(Int64(now.timeIntervalSince1970))-\(randomName())"
    }

    private static func randomName() -> String { Hex.encode(SecretBytes.random(count: 4).copyBytes()) }
}
