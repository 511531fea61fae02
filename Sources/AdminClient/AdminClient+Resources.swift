import Encodings
import KBSProtocol

extension AdminClient {
    /// Stores a new version of a resource.
    ///
    /// - Parameters:
    ///   - value: the bytes to keep, sent as they are.
    /// - Throws: `AdminClientError`.
    public func putResource(_ path: ResourcePath, _ value: SecretBytes) async throws(AdminClientError) {
        _ = try await send(
            "POST", Self.resourceTarget("/kbs/v0/resource", path), body: value.copyBytes(),
            contentType: "application/octet-stream")
    }

    /// Deletes a resource with all its versions.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func deleteResource(_ path: ResourcePath) async throws(AdminClientError) {
        _ = try await send("DELETE", Self.resourceTarget("/kbs/v0/resource", path))
    }

    /// The resources whose paths begin with the prefix: names and versions, never values.
    ///
    /// - Throws: `AdminClientError`.
    public func resources(prefix: String? = nil) async throws(AdminClientError) -> [JSONObject] {
        try await list(RequestTarget("/claviger/v1/resources").asking("prefix", prefix), member: "resources")
    }

    /// The versions of one resource.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func resourceVersions(_ path: ResourcePath) async throws(AdminClientError) -> [JSONObject] {
        try await list(Self.resourceTarget("/claviger/v1/resources", path).appending("versions"), member: "versions")
    }

    private static func resourceTarget(
        _ root: String, _ path: ResourcePath
    ) throws(AdminClientError) -> RequestTarget {
        try RequestTarget(root).appending(path.repository).appending(path.type).appending(path.tag)
    }
}
