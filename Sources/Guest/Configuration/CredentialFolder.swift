import Glibc
import KBSProtocol

/// The folder below which a `cdh.toml` may have resources written.
public enum CredentialFolder {
    /// The reference's folder.
    static let path = "/run/confidential-containers/cdh/kbs"

    /// A resource and the file it is to be written to, which lies below the folder.
    static func target(uri: String, path: String) throws(GuestError) -> ProjectionTarget {
        guard path.hasPrefix(Self.path + "/") else {
            throw GuestError(.invalidRequest, "Credentials are written below \(Self.path) only, not to \(path).")
        }
        let resource: ResourceURI
        do throws(KBSProtocolError) {
            resource = try ResourceURI(uri)
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
        return try ProjectionTarget(uri: resource, path: path)
    }

    /// Makes the folders that the files need, closed to others. Writing a file says what failed.
    public static func makeFolders(for targets: [ProjectionTarget]) {
        for target in targets where target.path.hasPrefix(path + "/") {
            let names = target.path.split(separator: "/").dropLast()
            for depth in names.indices {
                let folder = "/" + names.prefix(depth + 1).joined(separator: "/")
                // The first two also lead to sockets that others may use; the mode of mkdir is subject to the mask.
                let mode: mode_t = depth < 2 ? 0o755 : 0o700
                if mkdir(folder, mode) == 0 { chmod(folder, mode) }
            }
        }
    }
}
