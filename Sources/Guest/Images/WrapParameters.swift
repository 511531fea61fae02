import KBSProtocol

/// What the person who encrypts asks for after the provider's name: `keypath=…::keyid=…::algorithm=A256GCM`.
///
/// Several texts are read as one; contradictions and unknown names are refused, since a parameter that is silently
/// dropped makes images that cannot be opened.
struct WrapParameters {
    /// File with the 32-byte key-encryption key, or nil for a random one.
    var keyPath: String?
    /// Where the key is registered, or nil for a new name.
    var keyID: ResourceURI?

    init(_ texts: [String]) throws(GuestError) {
        var values: [String: String] = [:]
        // ocicrypt sends the word `Enabled` when nothing follows the provider's name.
        for text in texts where text != "Enabled" {
            for pair in text.split(separator: "::") {
                try Self.read(String(pair), into: &values)
            }
        }
        guard ["A256GCM", nil].contains(values["algorithm"]) else {
            throw GuestError(.invalidRequest, "The only algorithm is A256GCM.")
        }
        guard ["false", nil].contains(values["sample"]) else {
            throw GuestError(.invalidRequest, "sample=true would use a key that everybody knows; leave it out.")
        }
        keyPath = values["keypath"]
        keyID = try values["keyid"].map { (text) throws(GuestError) in try Self.keyID(text) }
    }

    private static func read(_ pair: String, into values: inout [String: String]) throws(GuestError) {
        guard let equals = pair.firstIndex(of: "="), pair.index(after: equals) != pair.endIndex else {
            throw GuestError(.invalidRequest, "Parameters are written name=value, separated by '::'.")
        }
        let name = String(pair[..<equals])
        let value = String(pair[pair.index(after: equals)...])
        guard ["keypath", "keyid", "algorithm", "sample"].contains(name) else {
            throw GuestError(.invalidRequest, "Unknown parameter \(name): keypath, keyid and algorithm are understood.")
        }
        if let other = values[name], other != value {
            throw GuestError(.invalidRequest, "Parameter \(name) is given twice with different values.")
        }
        values[name] = value
    }

    /// A key's name with or without scheme, in its full form.
    static func keyID(_ text: String) throws(GuestError) -> ResourceURI {
        do throws(KBSProtocolError) {
            if text.contains("://") { return try ResourceURI(text) }
            return try ResourceURI(path: text.hasPrefix("/") ? String(text.dropFirst()) : text)
        } catch {
            throw GuestError(.invalidRequest, "The key id \(text) names no resource: \(error.message)")
        }
    }
}
