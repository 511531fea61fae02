public import Encodings

/// What one attester presented, not yet believed.
public struct Evidence: Sendable, Hashable {
    /// The kind of attester that the evidence claims to come from.
    public let tee: TEE
    /// The evidence in the JSON form of its kind.
    public let content: JSONValue

    /// Evidence of `tee` as received.
    public init(tee: TEE, content: JSONValue) {
        self.tee = tee
        self.content = content
    }
}
