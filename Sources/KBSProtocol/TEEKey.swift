import Encodings

/// A guest's public key as it came with an attestation, after the checks that its protocol version demands.
struct TEEKey: Sendable, Hashable {
    /// The members as received; report data covers these.
    let received: JSONObject
    /// The key that secrets are sealed to: complete, base64url, on its curve.
    let normalised: JSONObject

    /// Checks a key against what guests of `version` send, member by member; any other key is refused.
    ///
    /// Throws `tee_key_refused`. The pins are what keeps a guest's attestation from being reused under the rules of
    /// another version: `alg` and `kty` are not covered by the report data of the oldest dialects, and the form of a
    /// response follows from `alg`.
    init(_ key: JSONObject, version: ProtocolVersion) throws(KBSProtocolError) {
        received = key
        for (name, value) in key {
            guard value.stringValue != nil else { throw .keyRefused("Member \(name.prefix(32)) is no string.") }
        }
        if version < .v0_2_0 {
            normalised = try Self.legacyRSA(key, version: version)
            return
        }
        switch key["kty"]?.stringValue {
        case "EC": normalised = try Self.ellipticCurve(key, version: version)
        case "RSA":
            normalised = try Self.rsa(key, algorithm: "RSA-OAEP-256", modulusBytes: 256...1024)
        case "AKP" where version >= .v0_4_0: normalised = try Self.encapsulation(key)
        default: throw .keyRefused("Guests of protocol \(version.rawValue) have no keys of this type.")
        }
    }

    /// Whether the key is in the form of the oldest guests: no type, standard base64.
    var isUntyped: Bool { received["kty"] == nil }

    private static func legacyRSA(
        _ key: JSONObject, version: ProtocolVersion
    ) throws(KBSProtocolError) -> JSONObject {
        if key["kty"] != nil { return try rsa(key, algorithm: "RSA1_5", modulusBytes: 256...256) }
        guard version == .v0_1_0 else { throw .keyRefused("The key has no type.") }
        try requireMembers(key, ["alg", "n", "e"])
        let modulus = try canonicalBytes(key, "n", decode: Base64.decode, encode: Base64.encode)
        try checkRSA(modulus: modulus, exponent: key["e"], algorithm: key["alg"], pinned: "RSA1_5", bytes: 256...256)
        return ["kty": "RSA", "alg": "RSA1_5", "n": .string(Base64.encodeURL(modulus)), "e": "AQAB"]
    }

    private static func rsa(
        _ key: JSONObject, algorithm: String, modulusBytes: ClosedRange<Int>
    ) throws(KBSProtocolError) -> JSONObject {
        try requireMembers(key, ["kty", "alg", "n", "e"])
        guard key["kty"] == "RSA" else { throw .keyRefused("The key is no RSA key.") }
        let modulus = try canonicalBytes(key, "n", decode: Base64.decodeURL, encode: Base64.encodeURL)
        try checkRSA(
            modulus: modulus, exponent: key["e"], algorithm: key["alg"], pinned: algorithm, bytes: modulusBytes)
        return key
    }

    private static func checkRSA(
        modulus: [UInt8], exponent: JSONValue?, algorithm: JSONValue?, pinned: String, bytes: ClosedRange<Int>
    ) throws(KBSProtocolError) {
        guard algorithm == .string(pinned) else { throw .keyRefused("The key's algorithm must be \(pinned).") }
        guard exponent == "AQAB" else { throw .keyRefused("The key's exponent must be 65537.") }
        guard bytes.contains(modulus.count), let first = modulus.first, let last = modulus.last, first & 0x80 != 0,
            last & 1 == 1
        else { throw .keyRefused("The key's modulus does not have a permitted size and form.") }
    }

    private static func encapsulation(_ key: JSONObject) throws(KBSProtocolError) -> JSONObject {
        try requireMembers(key, ["kty", "alg", "pub"])
        guard key["kty"] == "AKP", key["alg"] == "ML-KEM-768+A192KW" else {
            throw .keyRefused("The key's algorithm must be ML-KEM-768+A192KW.")
        }
        let publicKey = try canonicalBytes(key, "pub", decode: Base64.decodeURL, encode: Base64.encodeURL)
        guard publicKey.count == 1184 else { throw .keyRefused("The encapsulation key has the wrong length.") }
        return key
    }

    static func requireMembers(_ key: JSONObject, _ names: Set<String>) throws(KBSProtocolError) {
        guard Set(key.map(\.name)) == names else {
            throw .keyRefused("The key does not have exactly the members \(names.sorted().joined(separator: ", ")).")
        }
    }

    /// The bytes of a member whose text is their one canonical encoding.
    static func canonicalBytes(
        _ key: JSONObject, _ name: String, decode: (String) throws(ByteCodingError) -> [UInt8],
        encode: ([UInt8]) -> String
    ) throws(KBSProtocolError) -> [UInt8] {
        guard let text = key[name]?.stringValue, let bytes = try? decode(text), encode(bytes) == text else {
            throw .keyRefused("Member \(name) is not canonically encoded.")
        }
        return bytes
    }
}

extension KBSProtocolError {
    static func keyRefused(_ reason: String) -> KBSProtocolError {
        KBSProtocolError(code: "tee_key_refused", message: "The TEE key is refused. \(reason)")
    }
}
