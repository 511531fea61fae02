import Crypto
public import Encodings
public import FoundationEssentials
import JOSE
import Storage

/// What an administrator can revoke.
public struct RevocationTarget: Sendable, Hashable {
    /// The kinds of things, by the names that requests give them.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// An attestation token and the session that it stands for, by its `jti`.
        case token
        /// A TEE key, by its RFC 7638 thumbprint, with everything that was ever attested with it.
        case teeKey
        /// An owner of ESM blobs (PEF), by SHA-256 of the key's SubjectPublicKeyInfo in lower-case hexadecimal digits.
        case esmOwner
        /// A machine that opens ESM blobs, by the fingerprint of its key in lower-case hexadecimal digits.
        case esmMachine
        /// An ESM blob, by its SHA-256 in lower-case hexadecimal digits.
        case esmBlob
    }

    /// The kind.
    public let kind: Kind
    /// The identifier.
    public let value: String

    /// A thing of a kind.
    public init(kind: Kind, value: String) {
        self.kind = kind
        self.value = value
    }

    var subject: RevocationSubject {
        switch kind {
        case .token: .token(value)
        case .teeKey: .teeKey(value)
        // Claims have lower-case digits.
        case .esmOwner, .esmMachine, .esmBlob: .other("\(kind.rawValue):\(value.lowercased())")
        }
    }

    /// Whether the identifier can be one of its kind: what no claim can be would revoke nothing.
    var isPossible: Bool {
        switch kind {
        case .token, .teeKey: true
        case .esmOwner, .esmMachine, .esmBlob: (try? Hex.decode(value))?.count == 32
        }
    }

    /// The claims of kind `pef` that name what can be revoked.
    static let esmClaims: [(claim: String, kind: Kind)] = [
        ("esm_owner", .esmOwner), ("machine_key_fingerprint", .esmMachine), ("esm_blob", .esmBlob),
    ]
}

extension Broker {
    private static let longRevocationYears = 10

    /// Uses up an admin token that is good for one request, for all brokers of the database.
    ///
    /// - Parameters:
    ///   - identifier: the token's `jti`, which is not stored as it is.
    ///   - issuer: who issued it.
    ///   - end: until when it could be shown again.
    /// - Returns: false when it was used before.
    public func spend(adminToken identifier: String, of issuer: String, until end: Date) async throws(BrokerError)
        -> Bool
    {
        let name: JSONValue = ["claviger admin token", .string(issuer), .string(identifier)]
        let hash = Array(SHA256.hash(data: Array(name.serializedString().utf8)))
        return try await storing { () async throws(StorageError) in
            try await sessions.spend(hash: hash, expires: end)
        }
    }

    /// Revokes a token, with its session, a TEE key, or one of the three parties to an ESM blob, each of which ends all that
    /// was attested with it. It takes effect with the next request that any replica answers.
    public func revoke(
        _ target: RevocationTarget, reason: String, by author: String
    ) async throws(BrokerError) -> JSONValue {
        guard target.isPossible else {
            throw .malformed(
                "RevocationError", code: "malformed_message", "The identifier is not 32 bytes in hexadecimal digits")
        }
        guard target.value.utf8.count <= 256, reason.utf8.count <= 1_024 else {
            throw .malformed("RevocationError", code: "too_long", "The identifier or the reason is too long")
        }
        let now = environment.clock.now()
        let lifetime: Double =
            switch target.kind {
            // A token that is issued now and every clock that could still accept it.
            case .token where configuration.passport.isEmpty: configuration.token.lifetime.inSeconds + 86_400
            // How long other issuers let their tokens live is not known here.
            case .token, .teeKey, .esmOwner, .esmMachine, .esmBlob: Double(Self.longRevocationYears) * 366 * 86_400
            }
        let until = now.addingTimeInterval(lifetime)
        try await storing { () async throws(StorageError) in
            try await revocations.revoke(target.subject, until: until, reason: reason, by: author)
        }
        return [
            "revoked": .object([target.kind.rawValue: .string(target.value)]), "until": .string(until.rfc3339),
        ]
    }

    /// The latest decisions, newest first: `{"decisions": […]}`, each with its trace and claims when these are asked for.
    public func decisions(
        limit: Int, tenant: String? = nil, path: String?, allowed: Bool?, before: String?, withClaims: Bool = false
    ) async throws(BrokerError) -> JSONValue {
        let records = try await storing { () async throws(StorageError) in
            try await decisionLedger.list(
                DecisionFilter(path: path, tenant: tenant, allowed: allowed, before: before, limit: limit))
        }
        return ["decisions": .array(records.map { .object(withClaims ? $0.whole() : $0.summary()) })]
    }

    /// One decision with its trace and the claims that were judged; throws `notFound` when there is none of that id.
    public func decision(_ id: String) async throws(BrokerError) -> JSONValue {
        let record = try await storing { () async throws(StorageError) in try await decisionLedger.get(id: id) }
        guard let record else { throw .notFound("DecisionNotFound", "There is no decision of this id") }
        return .object(record.whole())
    }

    /// The public keys whose tokens are accepted now (RFC 7517), the active one first.
    public func keySet() async throws(BrokerError) -> JSONObject {
        let keys = signingKeys.accepted(at: environment.clock.now())
        return ["keys": .array(keys.map { .object($0.headerJWK) })]
    }

    /// The signing keys with their times: `{"keys": […]}`.
    public func signingKeyList() async throws(BrokerError) -> JSONValue {
        try await signingKeys.load()
        return ["keys": .array(signingKeys.accepted(at: environment.clock.now()).map { .object($0.summary()) })]
    }

    /// Begins to sign with a new key; tokens of the old one are accepted for the configured overlap.
    public func rotateSigningKey(by author: String) async throws(BrokerError) -> JSONValue {
        let key = try await signingKeys.rotate()
        logger.notice("signing key rotated", metadata: ["key": "\(key.id)", "by": "\(author)"])
        return .object(key.summary())
    }
}

extension TokenSigningKey {
    fileprivate func summary() -> JSONObject {
        [
            "id": .string(id), "algorithm": .string(key.algorithm.rawValue), "active": .bool(retiredAt == nil),
            "createdAt": .string(createdAt.rfc3339), "acceptedUntil": .optional(retiredAt?.rfc3339),
        ]
    }
}

extension DecisionRecord {
    fileprivate func whole() -> JSONObject {
        var object = summary()
        object["trace"] = trace
        object["claims"] = claims
        return object
    }

    fileprivate func summary() -> JSONObject {
        [
            "id": .string(id), "at": .string(at.rfc3339), "allowed": .bool(allowed), "code": .string(code),
            "reason": .string(reason), "operation": .string(operation), "plugin": .string(plugin),
            "path": .string(path), "tenant": .optional(tenant), "tee": .optional(tee), "token": .optional(session),
            "bundleDigest": .string(bundleDigest),
        ]
    }
}
