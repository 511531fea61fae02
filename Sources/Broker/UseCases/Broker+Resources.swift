public import Encodings
public import KBSProtocol
import Storage

extension Broker {
    /// Stores a value as the next version of a resource and returns that version.
    public func putResource(
        _ path: ResourcePath, value: SecretBytes, contentType: String? = nil, by author: String
    ) async throws(BrokerError) -> Int {
        let version = try await storing { () async throws(StorageError) in
            try await resources.put(
                path: path.description, tenant: path.repository, value: value, by: author, contentType: contentType)
        }
        metrics.resourceWrites.increment()
        return version
    }

    /// Destroys all versions of a resource; throws `notFound` when there is none.
    public func deleteResource(_ path: ResourcePath, by author: String) async throws(BrokerError) {
        let existed = try await storing { () async throws(StorageError) in
            try await resources.delete(path: path.description, by: author)
        }
        guard existed else { throw .notFound("ResourceNotFound", "There is no resource of this name") }
        metrics.resourceDeletes.increment()
    }

    /// The resources whose path starts with `prefix`: `{"resources": […]}`, each with everything but its value.
    public func resourceList(prefix: String) async throws(BrokerError) -> JSONValue {
        let summaries = try await storing { () async throws(StorageError) in try await resources.list(prefix: prefix) }
        return [
            "resources": .array(
                summaries.map { summary in
                    [
                        "path": .string(summary.path), "tenant": .string(summary.tenant),
                        "version": .int(Int64(summary.version)), "contentType": .optional(summary.contentType),
                        "createdAt": .string(summary.createdAt.rfc3339), "createdBy": .string(summary.createdBy),
                    ]
                })
        ]
    }

    /// All versions of a resource, destroyed ones included: `{"path": …, "versions": […]}`.
    public func resourceVersions(_ path: ResourcePath) async throws(BrokerError) -> JSONValue {
        let versions = try await storing { () async throws(StorageError) in
            try await resources.versions(path: path.description)
        }
        guard !versions.isEmpty else { throw .notFound("ResourceNotFound", "There is no resource of this name") }
        return [
            "path": .string(path.description),
            "versions": .array(
                versions.map { version in
                    [
                        "version": .int(Int64(version.version)), "createdAt": .string(version.createdAt.rfc3339),
                        "createdBy": .string(version.createdBy),
                        "destroyedAt": .optional(version.destroyedAt?.rfc3339),
                        "destroyedBy": .optional(version.destroyedBy),
                    ]
                }),
        ]
    }
}
