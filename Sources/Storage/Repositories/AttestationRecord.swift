import Crypto
public import Encodings

/// What an attestation found out, as the ledger keeps it: once, however many decisions it leads to.
public struct AttestationRecord: Sendable, Hashable {
    /// SHA-256 over the content's text.
    public let digest: [UInt8]
    /// The JSON that is stored.
    let text: String

    /// A record of `content`, whose members may come in any order.
    public init(_ content: JSONObject) {
        // Numbers that canonical JSON cannot carry are told apart by their plain text.
        let canonical = try? JSONValue.object(content).canonical()
        text = canonical.map { String(decoding: $0, as: UTF8.self) } ?? content.serializedString()
        digest = Array(SHA256.hash(data: Array(text.utf8)))
    }
}
