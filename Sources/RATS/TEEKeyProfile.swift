public import Encodings

/// Where a token of one issuer carries the TEE's public key: exactly one place.
public struct TEEKeyProfile: Sendable, Hashable {
    /// RFC 6901 pointer to the key in the token's claims.
    public let pointer: String

    /// A profile whose key stands at this RFC 6901 pointer.
    public init(pointer: String) {
        self.pointer = pointer
    }

    /// EAR tokens of today: the key that `cpu0` was attested with.
    public static let ear = TEEKeyProfile(pointer: runtimeDataPointer(submodule: "cpu0"))
    /// EAR tokens before numbered submodules: the key that `cpu` was attested with.
    public static let legacyEAR = TEEKeyProfile(pointer: runtimeDataPointer(submodule: "cpu"))

    /// The one profile that a foreign issuer's token follows: of ``ear``, ``legacyEAR`` and the configured extra
    /// pointers, the one that leads to a value.
    ///
    /// Returns `nil` when none does. Throws `conflicting_tee_keys` when several lead to different values.
    public static func detect(
        in claims: JSONObject, extraPointers: [String] = []
    ) throws(AttestationResultError) -> TEEKeyProfile? {
        let document = JSONValue.object(claims)
        let profiles = extraPointers.map(TEEKeyProfile.init(pointer:)) + [.ear, .legacyEAR]
        let present = profiles.filter { document[pointer: $0.pointer] != nil }
        guard let first = present.first else { return nil }
        for other in present.dropFirst() where document[pointer: other.pointer] != document[pointer: first.pointer] {
            throw .conflictingKeys
        }
        return first
    }

    /// The key in these claims, or `nil` when there is none at this profile's place.
    ///
    /// Throws `invalid_tee_key` when something else than an object stands there, `conflicting_tee_keys` when any other
    /// place known to carry a TEE key holds a different one, and `misplaced_tee_key` when only another place holds one:
    /// such tokens could be read in two ways.
    public func key(in claims: JSONObject) throws(AttestationResultError) -> JSONObject? {
        let document = JSONValue.object(claims)
        let own = document[pointer: pointer]
        for other in Self.knownPointers(in: claims) {
            guard let found = document[pointer: other], found != own else { continue }
            throw own == nil ? .misplacedKey : .conflictingKeys
        }
        guard let own else { return nil }
        guard let key = own.objectValue else {
            throw AttestationResultError(code: "invalid_tee_key", message: "The TEE key in the token is no object.")
        }
        return key
    }

    /// Every place where some issuer's tokens carry a TEE key, including each submodule of this token.
    private static func knownPointers(in claims: JSONObject) -> [String] {
        let submodules = claims["submods"]?.objectValue?.map { runtimeDataPointer(submodule: $0.name) } ?? []
        return submodules + [
            "/tee-pubkey",
            "/customized_claims/runtime_data/tee-pubkey",
            "/tdx/attester_runtime_data/tee-pubkey",
            "/tdx/attester_user_data/tee-pubkey",
            "/attester_runtime_data/tee-pubkey",
            "/attester_user_data/tee-pubkey",
        ]
    }

    private static func runtimeDataPointer(submodule: String) -> String {
        var escaped = ""
        for character in submodule {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.append(character)
            }
        }
        return "/submods/\(escaped)/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey"
    }
}

extension AttestationResultError {
    static let misplacedKey = AttestationResultError(
        code: "misplaced_tee_key", message: "The token carries a TEE key where its issuer's tokens carry none.")

    static let conflictingKeys = AttestationResultError(
        code: "conflicting_tee_keys", message: "The token carries different TEE keys, so it is not clear whose it is.")
}
