import Encodings

extension JSONObject {
    /// A member that must be there and be a string.
    func requiredString(_ name: String) throws(JOSEError) -> String {
        guard let text = self[name]?.stringValue else { throw .malformed("The member `\(name)` must be a string") }
        return text
    }

    /// A member that must be a string if it is there.
    func optionalString(_ name: String) throws(JOSEError) -> String? {
        guard contains(name) else { return nil }
        return try requiredString(name)
    }

    /// A member that must be there and name an algorithm, a type or a curve.
    ///
    /// Such names are ASCII, and only ASCII is let through: Swift compares strings by canonical equivalence, so U+212A
    /// (KELVIN SIGN) would pass for `K` here and be another name to every other reader of the document.
    func requiredName(_ name: String) throws(JOSEError) -> String {
        let text = try requiredString(name)
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .malformed("The member `\(name)` must be ASCII text") }
        return text
    }

    /// A name that may be absent; see `requiredName(_:)`.
    func optionalName(_ name: String) throws(JOSEError) -> String? {
        guard contains(name) else { return nil }
        return try requiredName(name)
    }

    /// A member that must be there and be base64url without padding.
    func base64URL(_ name: String) throws(JOSEError) -> [UInt8] {
        let text = try requiredString(name)
        do { return try Base64.decodeURL(text) } catch {
            throw .malformed("The member `\(name)` must be base64url without padding")
        }
    }

    /// Members that hold a private key or a shared secret (RFC 7518 section 6, and `priv` of AKP keys).
    private static let secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]

    /// Refuses a JWK whose secret part came along: a key that travelled in the clear protects nothing and proves nothing.
    func requirePublic() throws(JOSEError) {
        guard !Self.secretMembers.contains(where: contains) else {
            throw .unsupportedKey("The JWK holds a secret; a public key was expected")
        }
    }

    /// Refuses a JWK that is meant for something else by its `use` or `key_ops` (RFC 7517 sections 4.2 and 4.3).
    func requirePurpose(use: String, operations: Set<String>) throws(JOSEError) {
        if let stated = try optionalName("use"), stated != use {
            throw .unsupportedKey("The key is not meant for this use")
        }
        guard let stated = self["key_ops"] else { return }
        guard let list = stated.arrayValue else { throw .malformed("The member `key_ops` must be an array") }
        guard operations.contains(where: { list.contains(.string($0)) }) else {
            throw .unsupportedKey("The key is not meant for this operation")
        }
    }
}
