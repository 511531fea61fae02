import Encodings

/// The parts of a JWE in the flattened JSON serialisation (RFC 7516 section 7.2.2), not yet opened.
struct JWEMessage: Sendable {
    /// The text of `protected` as received or sent: it is what the content encryption authenticates.
    let protected: String
    let encryptedKey: [UInt8]
    let content: SealedContent
    /// The text of `aad` as received, when the sender authenticates more than the header.
    let additionalData: String?

    /// Largest message that is looked at.
    static let maximumBytes = 16 << 20
    private static let limits = JSONLimits(maximumBytes: maximumBytes, maximumDepth: 4, maximumValues: 64)
    private static let headerLimits = JSONLimits(maximumBytes: 16 << 10, maximumDepth: 8, maximumValues: 128)
    /// Members of the general serialisation and of unauthenticated headers; nothing honest sends them here.
    private static let refusedMembers = ["recipients", "header", "unprotected"]

    init(protected: String, encryptedKey: [UInt8], content: SealedContent) {
        self.protected = protected
        self.encryptedKey = encryptedKey
        self.content = content
        additionalData = nil
    }

    init(parsing bytes: [UInt8]) throws(JOSEError) {
        let object = try Self.object(bytes)
        for name in Self.refusedMembers where object.contains(name) {
            throw .unsupportedHeader("The encrypted message carries `\(name)`, which is not supported")
        }
        protected = try object.requiredString("protected")
        encryptedKey = try object.base64URL("encrypted_key")
        content = SealedContent(
            nonce: try object.base64URL("iv"), ciphertext: try object.base64URL("ciphertext"),
            tag: try object.base64URL("tag"))
        additionalData = try object.optionalString("aad")
    }

    /// What the content encryption authenticates (RFC 7516 section 5.1, step 14).
    var authenticatedData: [UInt8] {
        Array((additionalData.map { protected + "." + $0 } ?? protected).utf8)
    }

    /// The decoded header.
    func header() throws(JOSEError) -> JSONObject {
        let bytes: [UInt8]
        do { bytes = try Base64.decodeURL(protected) } catch {
            throw .malformed("The encrypted message's header is not base64url")
        }
        return try Self.header(bytes)
    }

    /// A header that stands in the message as text, the way of protocol 0.1.
    func literalHeader() throws(JOSEError) -> JSONObject {
        try Self.header(Array(protected.utf8))
    }

    /// The five members in the order and with the bytes that every guest takes.
    func serialized() -> [UInt8] {
        let object: JSONObject = [
            "protected": .string(protected), "encrypted_key": .string(Base64.encodeURL(encryptedKey)),
            "iv": .string(Base64.encodeURL(content.nonce)), "ciphertext": .string(Base64.encodeURL(content.ciphertext)),
            "tag": .string(Base64.encodeURL(content.tag)),
        ]
        return object.serialized()
    }

    private static func object(_ bytes: [UInt8]) throws(JOSEError) -> JSONObject {
        do { return try JSONObject(parsing: bytes, limits: limits) } catch {
            throw .malformed("The encrypted message is not acceptable JSON: \(error.message)")
        }
    }

    private static func header(_ bytes: [UInt8]) throws(JOSEError) -> JSONObject {
        let header: JSONObject
        do { header = try JSONObject(parsing: bytes, limits: headerLimits) } catch {
            throw .malformed("The encrypted message's header is not acceptable JSON: \(error.message)")
        }
        for name in ["crit", "b64", "zip"] where header.contains(name) {
            throw .unsupportedHeader("The encrypted message's header demands `\(name)`, which is not supported")
        }
        return header
    }
}
