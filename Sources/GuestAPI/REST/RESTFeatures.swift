/// Which groups of routes the REST face offers.
public enum RESTFeatures: String, Sendable, Hashable, CaseIterable {
    /// Only `/cdh/…` and `/v1/resource/…`.
    case resource
    /// Only `/aa/…`.
    case attestation
    /// Both.
    case all

    var hasResources: Bool { self != .attestation }
    var hasAttestation: Bool { self != .resource }
}
