public import Encodings
public import KBSProtocol
import Synchronization

/// Resources whose release is measured: evidence of this guest shows from then on what it has got to see.
public final class MeasuredReleases: ResourceSource {
    private static let operation = "ReleaseResource"

    private let source: any ResourceSource
    private let measurements: RuntimeMeasurements
    /// What evidence shows already. It is no longer than the log.
    private let measured = Mutex<Set<ResourceURI>>([])

    /// Resources of `source`, usually a client before which a cache stands.
    public init(_ source: any ResourceSource, measurements: RuntimeMeasurements) {
        self.source = source
        self.measurements = measurements
    }

    /// The resource, once its release is measured; in the life of this value that is done once for each.
    ///
    /// The event is `claviger ReleaseResource {"resource":"kbs:///repository/type/tag"}`.
    ///
    /// - Throws: `GuestError`, also when the release cannot be measured: then nobody gets the resource.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let resource = try await source.resource(uri)
        guard !measured.withLock({ $0.contains(uri) }) else { return resource }
        let content: JSONObject = ["resource": .string(uri.description)]
        let outcome = try await measurements.record(
            domain: RuntimeMeasurements.ownDomain, operation: Self.operation, content: content.serializedString())
        guard outcome == .recorded else {
            throw GuestError(.disabled, "Releases are to be measured, and this guest keeps no event log.")
        }
        measured.withLock { _ = $0.insert(uri) }
        return resource
    }
}
