import Encodings

/// A set of public keys (RFC 7517 section 5).
public struct JWKSet: Sendable {
    /// One key of a set.
    public struct Entry: Sendable {
        /// The JWK as it stands in the set.
        public let jwk: JSONObject
        /// Its `kid`, if any.
        public let keyID: String?
        /// The key, when signatures can be verified with it.
        public let verificationKey: VerificationKey?
        /// Why there is no `verificationKey`.
        public let refusal: JOSEError?
    }

    /// The keys in the set's order, the unusable ones included.
    public let keys: [Entry]

    private static let limits = JSONLimits(maximumBytes: 4 << 20, maximumDepth: 16, maximumValues: 100_000)

    /// Reads a set. Keys that are of no use here (another kind, an unknown `alg`, meant for encryption, damaged) load but
    /// verify nothing; a set that is no JSON object with an array of objects in `keys` is refused.
    public init(json: [UInt8]) throws(JOSEError) {
        let object: JSONObject
        do { object = try JSONObject(parsing: json, limits: Self.limits) } catch {
            throw .malformed("The key set is not acceptable JSON: \(error.message)")
        }
        guard let list = object["keys"]?.arrayValue else { throw .malformed("A key set needs an array `keys`") }
        var keys = [Entry]()
        for element in list {
            guard let jwk = element.objectValue else { throw .malformed("A key set's keys must be objects") }
            keys.append(Entry(jwk))
        }
        self.keys = keys
    }

    /// The first usable key with this `kid`, compared exactly.
    public func key(id: String) -> VerificationKey? {
        for entry in keys where entry.keyID.map({ $0.utf8.elementsEqual(id.utf8) }) == true {
            if let key = entry.verificationKey { return key }
        }
        return nil
    }

    /// All usable keys.
    public var usableKeys: [VerificationKey] { keys.compactMap(\.verificationKey) }
}

extension JWKSet.Entry {
    init(_ jwk: JSONObject) {
        self.jwk = jwk
        keyID = jwk["kid"]?.stringValue
        do throws(JOSEError) {
            verificationKey = try VerificationKey(jwk: jwk)
            refusal = nil
        } catch {
            verificationKey = nil
            refusal = error
        }
    }
}
