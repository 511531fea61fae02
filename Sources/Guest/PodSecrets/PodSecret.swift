import Encodings
import FoundationEssentials
public import KBSProtocol

/// A secret that a pod is to have, where, and for how long it is believed.
public struct PodSecret: Sendable, Hashable {
    /// A file, its mode and its owner.
    public struct File: Sendable, Hashable {
        /// Absolute path; the folder it lies in is this program's to arrange.
        public let path: String
        /// Permission bits; 0400 unless told otherwise.
        public let mode: UInt32
        /// The owning user, or nil for this program's.
        public let user: UInt32?
        /// The owning group, or nil for this program's.
        public let group: UInt32?

        var folder: String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
        var name: String { String(path.split(separator: "/").last ?? "") }
    }

    /// What becomes of a secret that the broker refuses to give again.
    public enum Refusal: String, Sendable, Hashable, CaseIterable {
        /// It is taken away.
        case remove
        /// It stays until its lease is over.
        case keep
    }

    /// The resource.
    public let uri: ResourceURI
    /// Where it is written; nil when it is only kept in memory, for the faces.
    public let file: File?
    /// After how many seconds the broker is asked again; 0 is never.
    public let refresh: TimeInterval
    /// For how many seconds a content counts that the broker did not confirm; nil is for ever.
    public let lease: TimeInterval?
    /// Whether the guest is not ready without it.
    public let isRequired: Bool
    /// What becomes of it when the broker refuses.
    public let refusal: Refusal
    /// Who is told of a new content.
    public let notice: ChangeNotice?
}

extension PodSecret {
    /// Reads one table `secret` of a configuration file.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the key.
    init(_ table: JSONObject) throws(GuestError) {
        let reader = TableReader(table, name: "secret")
        try reader.permit([
            "uri", "file", "mode", "uid", "gid", "refresh_seconds", "lease_seconds", "required", "when_refused",
            "signal",
            "pid_file", "process", "callback", "exit",
        ])
        guard let uri = try reader.text("uri") else { throw reader.error("uri", "is missing") }
        do throws(KBSProtocolError) {
            self.uri = try ResourceURI(uri)
        } catch {
            throw reader.error("uri", "is no resource: \(error.message)")
        }
        file = try Self.file(reader)
        refresh = try reader.seconds("refresh_seconds") ?? 60
        lease = try reader.seconds("lease_seconds")
        isRequired = try reader.flag("required") ?? true
        guard let refusal = Refusal(rawValue: try reader.text("when_refused") ?? "remove") else {
            throw reader.error("when_refused", "is remove or keep")
        }
        self.refusal = refusal
        notice = try Self.notice(reader)
        guard refresh == 0 || refresh >= 1 else { throw reader.error("refresh_seconds", "is 0, or 1 and more") }
        guard lease.map({ refresh > 0 && $0 > refresh }) ?? true else {
            throw reader.error("lease_seconds", "must be longer than refresh_seconds, which renews it")
        }
    }

    private static func file(_ reader: TableReader) throws(GuestError) -> File? {
        guard let path = try reader.text("file") else {
            for key in ["mode", "uid", "gid"] where reader.has(key) { throw reader.error(key, "needs a file") }
            return nil
        }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard path.hasPrefix("/"), segments.count > 1, !path.utf8.contains(0),
            segments.allSatisfy({ !$0.isEmpty && $0 != "." && !$0.hasPrefix("..") })
        else {
            throw reader.error("file", "is no absolute path of a file in a folder, without names that begin with ..")
        }
        let mode = try reader.mode("mode") ?? 0o400
        guard mode & ~0o755 == 0, mode & 0o400 != 0 else {
            throw reader.error("mode", "lets others write, or the owner not read")
        }
        return File(path: path, mode: mode, user: try reader.identity("uid"), group: try reader.identity("gid"))
    }

    private static func notice(_ reader: TableReader) throws(GuestError) -> ChangeNotice? {
        var notices: [ChangeNotice] = []
        if let name = try reader.text("signal") {
            guard let signal = ChangeNotice.signal(named: name) else {
                throw reader.error("signal", "is no signal known here")
            }
            switch (try reader.text("pid_file"), try reader.text("process")) {
            case (let path?, nil): notices.append(.signal(signal, .idFile(path)))
            case (nil, let process?): notices.append(.signal(signal, .name(process)))
            default: throw reader.error("signal", "needs either pid_file or process")
            }
        } else {
            for key in ["pid_file", "process"] where reader.has(key) { throw reader.error(key, "needs a signal") }
        }
        if let url = try reader.text("callback") {
            guard ChangeNotice.isLocal(url) else {
                throw reader.error("callback", "is no http:// address of this machine (127.0.0.1, [::1] or localhost)")
            }
            notices.append(.callback(url))
        }
        if try reader.flag("exit") ?? false { notices.append(.exit) }
        guard notices.count < 2 else { throw reader.error("signal, callback, exit", "exclude each other") }
        return notices.first
    }
}
