import Encodings

/// A signed message in the compact serialisation (RFC 7515 section 7.1).
///
/// Nothing in the header chooses the key: `jwk`, `jku`, `x5u`, `x5c` and `kid` are data for the caller, and the caller names
/// the key that the signature is checked with.
public struct JWS: Sendable {
    /// Longest compact text that is looked at unless the caller says otherwise.
    public static let maximumLength = 1 << 20

    /// The protected header.
    public let header: JSONObject
    /// The header's `alg`.
    public let algorithm: SignatureAlgorithm
    /// The payload, not to be believed before `verify(with:)`.
    public let payload: [UInt8]
    /// The signature.
    public let signature: [UInt8]
    /// The bytes that are signed.
    public let signingInput: [UInt8]

    private static let headerLimits = JSONLimits(maximumBytes: 128 << 10, maximumDepth: 16, maximumValues: 4096)

    /// Takes a compact text apart without checking its signature.
    ///
    /// Refused: algorithms other than `SignatureAlgorithm` (so `none` and HMAC never get further), headers that demand
    /// extensions (`crit`, `zip`, `b64` other than true), base64url that is not canonical, repeated header members.
    public init(compact: String, maximumLength: Int = JWS.maximumLength) throws(JOSEError) {
        guard compact.utf8.count <= maximumLength else { throw .malformed("The token is too long") }
        // One split more than there may be: a text of nothing but dots must not cost a slice each.
        let parts = compact.utf8.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("A compact token has three parts") }
        header = try Self.header(try Self.decoded(parts[0]))
        algorithm = try Self.algorithm(of: header)
        payload = try Self.decoded(parts[1])
        signature = try Self.decoded(parts[2])
        signingInput = Array(compact.utf8.prefix(parts[0].count + 1 + parts[1].count))
    }

    /// Signs a payload. The header's members keep their order; `alg` is put in front unless the header has it, and then it
    /// must be the key's.
    public static func sign(header: JSONObject, payload: [UInt8], with key: SigningKey) throws(JOSEError) -> String {
        var complete = header
        if let stated = header["alg"] {
            guard stated == .string(key.algorithm.rawValue) else {
                throw JOSEError(code: "algorithm_not_allowed", message: "The header's `alg` is not the key's")
            }
        } else {
            complete = ["alg": .string(key.algorithm.rawValue)]
            for (name, value) in header { complete[name] = value }
        }
        let input = Base64.encodeURL(complete.serialized()) + "." + Base64.encodeURL(payload)
        return input + "." + Base64.encodeURL(try key.sign(Array(input.utf8)))
    }

    /// The payload, if the signature is this key's and its algorithm is one that the key may be used for.
    public func verify(with key: VerificationKey) throws(JOSEError) -> [UInt8] {
        guard key.algorithms.contains(algorithm) else {
            throw JOSEError(
                code: "algorithm_not_allowed", message: "The key may not be used with \(algorithm.rawValue)")
        }
        guard key.isValid(signature: signature, for: signingInput, algorithm: algorithm) else {
            throw JOSEError(code: "invalid_signature", message: "The signature does not fit the token and the key")
        }
        return payload
    }

    private static func decoded(_ part: Substring.UTF8View) throws(JOSEError) -> [UInt8] {
        do { return try Base64.decodeURL(String(decoding: part, as: UTF8.self)) } catch {
            throw .malformed("A part of the token is not base64url")
        }
    }

    private static func header(_ bytes: [UInt8]) throws(JOSEError) -> JSONObject {
        let header: JSONObject
        do { header = try JSONObject(parsing: bytes, limits: headerLimits) } catch {
            throw .malformed("The token's header is not acceptable JSON: \(error.message)")
        }
        for name in ["crit", "b64", "zip"] where header.contains(name) {
            // RFC 7797 section 3: true is what counts without the member too.
            if name == "b64", header[name] == .bool(true) { continue }
            throw .unsupportedHeader("The token's header demands `\(name)`, which is not supported")
        }
        return header
    }

    private static func algorithm(of header: JSONObject) throws(JOSEError) -> SignatureAlgorithm {
        guard let algorithm = SignatureAlgorithm(rawValue: try header.requiredName("alg")) else {
            throw .unsupportedAlgorithm("The token's `alg` is not an accepted signature algorithm")
        }
        return algorithm
    }
}

extension JWS: CustomStringConvertible, CustomReflectable {
    /// Names the algorithm and nothing of the token, which whoever holds it can use.
    public var description: String { "<\(algorithm.rawValue) token>" }
    /// A mirror without children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
