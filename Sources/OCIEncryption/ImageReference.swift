/// Names an image in an OCI layout folder: `oci:DIR[:TAG]`, as skopeo writes it.
public struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// The layout's folder.
    public let directory: String
    /// The value of `org.opencontainers.image.ref.name`; nil means the only image of the layout.
    public let tag: String?

    /// A reference from its parts.
    public init(directory: String, tag: String?) {
        self.directory = directory
        self.tag = tag
    }

    /// Reads `oci:DIR`, `oci:DIR:TAG`, or the same without `oci:`. The folder's name cannot contain a colon.
    ///
    /// - Throws: `ImageEncryptionError` with `invalid_request`.
    public init(_ text: String) throws {
        let rest = text.hasPrefix("oci:") ? text.dropFirst(4) : text[...]
        let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let directory = parts.first, !directory.isEmpty else {
            throw ImageEncryptionError(.invalidRequest, "\"\(text)\" names no folder; write oci:DIR[:TAG]")
        }
        if let scheme = ["docker", "dir", "docker-archive", "oci-archive", "containers-storage", "docker-daemon"]
            .first(where: { text.hasPrefix($0 + ":") })
        {
            throw ImageEncryptionError(
                .invalidRequest,
                "\"\(scheme):\" is not read here; copy the image into a layout with skopeo copy \(text) oci:DIR:TAG")
        }
        self.directory = String(directory)
        tag = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
    }

    /// `oci:DIR[:TAG]`.
    public var description: String { tag.map { "oci:\(directory):\($0)" } ?? "oci:\(directory)" }
}
