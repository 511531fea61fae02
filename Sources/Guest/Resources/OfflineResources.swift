public import Encodings
public import KBSProtocol

/// Resources from files in place of a broker, as the reference's `offline_fs_kbc` has them: JSON that maps
/// `repository/type/tag` to base64. For tests, and for guests whose files came with their measured image.
public struct OfflineResources: ResourceSource {
    /// The files that the reference reads.
    public static let referenceFiles = [
        "/etc/aa-offline_fs_kbc-keys.json", "/etc/aa-offline_fs_kbc-resources.json",
    ]
    private static let maximumFileSize = 16 << 20

    private let resources: [String: SecretBytes]

    /// Reads files; one that is missing counts as empty, and what a later one says counts.
    ///
    /// - Throws: `GuestError` with `invalid_request` for a file that is not of that form.
    public init(files: [String]) throws(GuestError) {
        var resources: [String: SecretBytes] = [:]
        for file in files where SmallFile.exists(file) {
            let bytes = try SmallFile.read(file, limit: Self.maximumFileSize, as: "resource file")
            guard
                let object = try? JSONObject(
                    parsing: bytes.copyBytes(), limits: JSONLimits(maximumBytes: Self.maximumFileSize))
            else { throw Self.malformed(file, "it is no JSON object") }
            for (name, value) in object {
                guard let text = value.stringValue, var content = try? Base64.decode(text) else {
                    throw Self.malformed(file, "\(name.prefix(100).printable) is not base64")
                }
                resources[name] = SecretBytes(wiping: &content)
            }
        }
        self.resources = resources
    }

    /// The resource of a file; queries and other plugins than `resource` have none.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        guard uri.plugin == "resource", uri.query == nil, let resource = resources[uri.path] else {
            throw GuestError(.notFound, "The offline files have no resource \(uri).")
        }
        return resource
    }

    private static func malformed(_ file: String, _ reason: String) -> GuestError {
        GuestError(.invalidRequest, "The resource file \(file) cannot be used: \(reason).")
    }
}
