import Encodings
import Glibc
import HTTPTransport

/// Delivers notices of changed secrets.
struct NoticeSender: Sendable {
    /// How long a server may take to answer a callback.
    private static let callbackTimeout: Duration = .seconds(5)

    private let processes: String
    private let http: HTTPClient?

    /// A sender; `processes` is where the kernel shows processes.
    init(processes: String = "/proc") {
        self.processes = processes
        http = try? HTTPClient(
            configuration: .init(
                systemTrust: false, userAgent: "claviger-attestation-agent", maximumResponseBytes: 65_536,
                insecureHTTPAllowed: true))
    }

    /// Sends one notice about a secret; ``ChangeNotice/exit`` is for whoever runs the program.
    ///
    /// - Throws: `GuestError` with `unavailable` when nobody got it.
    func send(_ notice: ChangeNotice, about secret: PodSecret) async throws(GuestError) {
        switch notice {
        case .signal(let number, let process): try signal(number, process)
        case .callback(let url): try await call(url, about: secret)
        case .exit: break
        }
    }

    private func signal(_ number: Int32, _ process: ChangeNotice.Process) throws(GuestError) {
        let processIDs: [Int32]
        switch process {
        case .idFile(let path): processIDs = [try id(in: path)]
        case .name(let name): processIDs = try ids(named: name)
        }
        for id in processIDs where kill(id, number) != 0 {
            throw GuestError(
                .unavailable, "Process \(id) cannot be signalled: \(String(cString: strerror(errno))).")
        }
    }

    private func id(in path: String) throws(GuestError) -> Int32 {
        let bytes = try SmallFile.read(path, limit: 64, as: "file of a process id")
        let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let digits = text.prefix { !$0.isWhitespace }
        guard let id = Int32(digits), id > 0, id != getpid() else {
            throw GuestError(.unavailable, "\(path) holds no process id that can be signalled.")
        }
        return id
    }

    /// The processes of that name whose parents have another one: a server, not its workers.
    private func ids(named name: String) throws(GuestError) -> [Int32] {
        var parents: [Int32: Int32] = [:]
        for entry in FolderListing.names(in: processes) {
            guard let id = Int32(entry), id != getpid(),
                let status = try? SmallFile.read("\(processes)/\(entry)/status", limit: 16_384, as: "process status")
            else { continue }
            let lines = status.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
            guard Self.value("Name:", in: lines) == name else { continue }
            parents[id] = Self.value("PPid:", in: lines).flatMap { Int32($0) } ?? 0
        }
        guard !parents.isEmpty else {
            throw GuestError(
                .unavailable,
                "No process is called \(name) here. In Kubernetes the pod needs shareProcessNamespace: true.")
        }
        return parents.filter { parents[$0.value] == nil }.keys.sorted()
    }

    private static func value(_ label: String, in lines: [Substring]) -> String? {
        lines.first { $0.hasPrefix(label) }.map { $0.dropFirst(label.count).trimmingSpaces }
    }

    private func call(_ url: String, about secret: PodSecret) async throws(GuestError) {
        guard let http else { throw GuestError(.unavailable, "No callback can be sent: libcurl does not start.") }
        var body: JSONObject = ["changed": .string(secret.uri.description)]
        if let path = secret.file?.path { body["file"] = .string(path) }
        let status: Int
        do throws(HTTPTransportError) {
            status = try await http.send(
                HTTPRequest(
                    method: "POST", url: url, headers: [(name: "Content-Type", value: "application/json")],
                    body: body.serialized(), timeout: Self.callbackTimeout)
            ).status
        } catch {
            throw GuestError(.unavailable, "The callback \(url) does not answer: \(error.message)")
        }
        guard (200...299).contains(status) else {
            throw GuestError(.unavailable, "The callback \(url) answered \(status).")
        }
    }
}
