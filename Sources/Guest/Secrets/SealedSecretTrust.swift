import Glibc
public import JOSE
public import KBSProtocol

/// Whose signatures on sealed secrets count.
public struct SealedSecretTrust: Sendable, Hashable {
    /// How the key of a signature is found.
    public enum Rule: Sendable, Hashable {
        /// Only keys that the operator named.
        case pinned
        /// The keys that the operator named, and besides them whatever key a secret names: a resource of the broker, or a
        /// file in the guest's folder of keys. Who can store any public key in the broker can then sign.
        case anyNamedKey
        /// No signature is looked at.
        case unverified
    }

    /// Where the reference keeps public keys that secrets name without a URI.
    public static let standardKeyFolder = "/run/confidential-containers/cdh/sealed-secret"
    static let maximumKeyFileBytes = 65_536
    private static let maximumKeys = 256

    /// How keys are found.
    public var rule: Rule
    /// Keys whose signatures count, whatever name a secret gives them.
    public var keys: [VerificationKey]
    /// Resources of the broker that may be named as signing keys.
    public var keyURIs: Set<ResourceURI>
    /// The folder whose files a secret may name, with the rule ``Rule/anyNamedKey``.
    public var keyFolder: String

    /// Trust in the given keys.
    public init(
        rule: Rule = .pinned, keys: [VerificationKey] = [], keyURIs: Set<ResourceURI> = [],
        keyFolder: String = standardKeyFolder
    ) {
        self.rule = rule
        self.keys = keys
        self.keyURIs = keyURIs
        self.keyFolder = keyFolder
    }

    /// Whether any key was named.
    public var hasPins: Bool { !keys.isEmpty || !keyURIs.isEmpty }

    /// Reads public keys (JWK, P-256) out of files and out of the files of folders.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the file.
    public static func keys(at paths: [String]) throws(GuestError) -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for path in paths {
            for file in try files(at: path) {
                let bytes = try SmallFile.read(file, limit: maximumKeyFileBytes, as: "signing key")
                do throws(GuestError) {
                    keys.append(try SealedSigningKey.publicKey(bytes.copyBytes()))
                } catch {
                    throw GuestError(.invalidRequest, "The signing key \(file) cannot be used: \(error.message)")
                }
                guard keys.count <= maximumKeys else {
                    throw GuestError(.invalidRequest, "More than \(maximumKeys) signing keys are named.")
                }
            }
        }
        return keys
    }

    private static func files(at path: String) throws(GuestError) -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOTDIR { return [path] }
            throw GuestError(
                .invalidRequest, "The signing keys \(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Mounted Secrets and ConfigMaps have folders whose names begin so.
            if !name.hasPrefix(".") { names.append(name) }
        }
        guard !names.isEmpty else {
            throw GuestError(.invalidRequest, "The folder of signing keys \(path) is empty.")
        }
        return names.sorted().map { "\(path)/\($0)" }
    }
}
