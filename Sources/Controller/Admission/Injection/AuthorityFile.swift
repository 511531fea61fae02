import Encodings
import Synchronization
import X509Trust

/// The file with the authorities that injected agents are told to trust, read anew for each pod.
final class AuthorityFile: Sendable {
    static let largest = 65_536

    private let path: String
    private let latest: Mutex<String>

    /// Reads the file for the first time.
    ///
    /// - Throws: `unreadable`, also when it holds no certificates.
    init(path: String) throws(ControllerError) {
        self.path = path
        latest = Mutex(try Self.read(path))
    }

    /// What it says, or said when it could be read last.
    var text: String {
        if let fresh = try? Self.read(path) { latest.withLock { $0 = fresh } }
        return latest.withLock { $0 }
    }

    private static func read(_ path: String) throws(ControllerError) -> String {
        func unusable(_ reason: String) -> ControllerError {
            ControllerError(code: "unreadable", message: "The authorities for agents: \(reason)")
        }
        let text: String
        do throws(BoundedFileError) {
            text = try BoundedFile.text(path, limit: largest)
        } catch {
            throw unusable(error.message)
        }
        // Written out anew: nothing but certificates gets into a pod.
        guard let all = try? Certificate.all(pem: text) else {
            throw unusable("\(path) holds no certificates in PEM form.")
        }
        return all.map(\.pem).joined()
    }
}
