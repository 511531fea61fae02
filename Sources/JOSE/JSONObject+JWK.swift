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

    /// A member that must be there and be base64url without padding.
    func base64URL(_ name: String) throws(JOSEError) -> [UInt8] {
        let text = try requiredString(name)
        do { return try Base64.decodeURL(text) } catch {
            throw .malformed("The member `\(name)` must be base64url without padding")
        }
    }

    /// Refuses a JWK that is meant for something else by its `use` or `key_ops` (RFC 7517 sections 4.2 and 4.3).
    func requirePurpose(use: String, operations: Set<String>) throws(JOSEError) {
        if let stated = try optionalString("use"), stated != use {
            throw .unsupportedKey("The key is not meant for this use")
        }
        guard let stated = self["key_ops"] else { return }
        guard let list = stated.arrayValue else { throw .malformed("The member `key_ops` must be an array") }
        guard list.contains(where: { $0.stringValue.map(operations.contains) ?? false }) else {
            throw .unsupportedKey("The key is not meant for this operation")
        }
    }
}
