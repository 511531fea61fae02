public import Encodings

/// The answer to `POST /kbs/v0/auth`: what the guest's evidence must cover to be fresh.
public struct Challenge: Sendable, Hashable {
    /// The nonce; a guest treats it as opaque text.
    public let nonce: String
    /// Parameters for the guest: a string, or an object that may select the hash algorithm.
    public let extraParameters: JSONValue

    /// A challenge; `extra-params` is the empty string that guests of every version understand.
    public init(nonce: String, extraParameters: JSONValue = .string("")) {
        self.nonce = nonce
        self.extraParameters = extraParameters
    }

    /// A challenge with a new nonce: the base64 text (44 characters) of 32 random bytes.
    public static func fresh() -> Challenge {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Challenge(nonce: Base64.encode(bytes))
    }

    /// Reads a challenge. Throws `malformed_message`.
    public init(parsing body: [UInt8]) throws(KBSProtocolError) {
        let object = try JSONObject(message: body)
        guard let nonce = object["nonce"]?.stringValue else { throw .malformed("The challenge has no nonce.") }
        self.init(nonce: nonce, extraParameters: object["extra-params"] ?? .string(""))
    }

    /// The JSON text of the challenge.
    public func serialized() -> [UInt8] {
        JSONValue.object(["nonce": .string(nonce), "extra-params": extraParameters]).serialized()
    }

    /// The hash algorithm that the guest must use: what the challenge selects, or SHA-384.
    ///
    /// Throws `unexpected_type` when the selection is no string and `invalid_hash_algorithm` when it names no known
    /// algorithm (names are not case sensitive).
    public func hashAlgorithm() throws(KBSProtocolError) -> HashAlgorithm {
        guard let selected = extraParameters.objectValue?["selected-hash-algorithm"] else { return .sha384 }
        guard let name = selected.stringValue else {
            throw KBSProtocolError(
                code: "unexpected_type",
                message: "unexpected JSON data type: expected string for selected-hash-algorithm")
        }
        guard let algorithm = HashAlgorithm(rawValue: name.lowercased()) else {
            throw KBSProtocolError(
                code: "invalid_hash_algorithm", message: "invalid hash algorithm: the challenge selects an unknown one")
        }
        return algorithm
    }
}

/// The answer to `POST /kbs/v0/attest`: the attestation token.
public struct AttestResponse: Sendable, Hashable {
    /// The token, a JWT in compact form.
    public let token: String

    /// A response that hands out `token`.
    public init(token: String) {
        self.token = token
    }

    /// Reads a response. Throws `malformed_message`.
    public init(parsing body: [UInt8]) throws(KBSProtocolError) {
        guard let token = try JSONObject(message: body)["token"]?.stringValue else {
            throw .malformed("The response has no token.")
        }
        self.init(token: token)
    }

    /// The JSON text of the response.
    public func serialized() -> [UInt8] {
        JSONValue.object(["token": .string(token)]).serialized()
    }
}
