public import Encodings
public import KBSProtocol

/// Resources that are kept in memory for the pod, and all others from elsewhere.
public struct PrefetchedResources: ResourceSource {
    private let secrets: PodSecrets
    private let others: any ResourceSource

    /// The secrets of `secrets` that have no file, and what `others` has.
    public init(_ secrets: PodSecrets, others: any ResourceSource) {
        self.secrets = secrets
        self.others = others
    }

    /// The kept content, else that of the other source.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        if let content = await secrets.content(of: uri) { return content }
        return try await others.resource(uri)
    }
}
