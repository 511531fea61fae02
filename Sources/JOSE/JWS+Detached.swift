import Encodings

/// Detached content (RFC 7515 appendix F): a compact serialisation with nothing between its two dots; the payload travels
/// elsewhere.
extension JWS {
    /// Longest detached text that is looked at: a header and a signature.
    public static let maximumDetachedLength = 16 << 10

    /// Puts a detached signature together with the payload that it is said to be for, without checking it.
    ///
    /// Throws as ``init(compact:maximumLength:)`` does, and `malformed` when there is something between the dots.
    public init(detached: String, payload: [UInt8]) throws(JOSEError) {
        guard detached.utf8.count <= Self.maximumDetachedLength else {
            throw .malformed("The detached signature is too long")
        }
        let parts = detached.utf8.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty else {
            throw .malformed("A detached signature is a header and a signature with two dots between them")
        }
        let compact = "\(Substring(parts[0])).\(Base64.encodeURL(payload)).\(Substring(parts[2]))"
        try self.init(compact: compact, maximumLength: compact.utf8.count)
    }

    /// Signs a payload as ``sign(header:payload:with:)`` does, and leaves it out of the result.
    public static func signDetached(
        header: JSONObject, payload: [UInt8], with key: SigningKey
    ) throws(JOSEError) -> String {
        let compact = try sign(header: header, payload: payload, with: key)
        let parts = compact.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last else { throw .malformed("Nothing was signed") }
        return "\(first)..\(last)"
    }
}
