public import Encodings
public import KBSProtocol

/// Where resources come from.
public protocol ResourceSource: Sendable {
    /// The resource's bytes.
    ///
    /// - Throws: `GuestError`.
    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes
}
