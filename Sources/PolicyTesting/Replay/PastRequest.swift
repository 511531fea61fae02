public import Encodings
public import FoundationEssentials
import Policy
import RATS

/// A request of the past, as the ledger of decisions tells it.
public struct PastRequest: Sendable {
    /// The decision's id.
    public let id: String
    /// When it was decided.
    public let at: Date
    /// Whether the policies of that time allowed it.
    public let allowed: Bool
    /// The reason of that time.
    public let reason: String
    /// What was asked for.
    public let request: PolicyTestCase.Request
    /// The claims of the caller's token, as far as the ledger keeps them.
    public let token: JSONObject

    /// What the token says.
    let attestation: AttestationResult
    /// What the policies of that time said.
    let decision: Decision

    /// Reads one decision of the admin API, with its claims.
    ///
    /// Throws ``PastRequestError``: ``PastRequestError/undecided`` for records that no policy decided (attestations that
    /// were refused, and requests while the policies could not be used), else the member that cannot be read.
    public init(record: JSONObject) throws(PastRequestError) {
        guard record["trace"]?["stage"] == nil else { throw .undecided }
        guard let id = record["id"]?.stringValue else { throw PastRequestError(member: "id") }
        guard let at = (record["at"]?.stringValue).flatMap(TimestampText.date) else {
            throw PastRequestError(member: "at")
        }
        guard let path = record["path"]?.stringValue else { throw PastRequestError(member: "path") }
        guard let trace = record["trace"], let decision = try? Decision(json: trace) else {
            throw PastRequestError(member: "trace")
        }
        guard let claims = record["claims"], let token = Self.token(of: claims),
            let attestation = try? AttestationResult(earClaims: token)
        else { throw PastRequestError(member: "claims") }
        self.attestation = attestation
        self.decision = decision
        self.id = id
        self.at = at
        self.token = token
        allowed = decision.allowed
        reason = decision.reason.rawValue
        var query: [String: String] = [:]
        for (name, value) in claims["query"]?.objectValue ?? [:] { query[name] = value.stringValue }
        request = PolicyTestCase.Request(
            operation: record["operation"]?.stringValue ?? "get", plugin: record["plugin"]?.stringValue ?? "resource",
            path: path.split(separator: "/", omittingEmptySubsequences: false).map(String.init), query: query)
    }

    /// The EAR claims that stand for what the ledger keeps of an attestation.
    private static func token(of claims: JSONValue) -> JSONObject? {
        guard let submodules = claims["submodules"]?.objectValue, !submodules.isEmpty,
            let issuedAt = claims["issuedAt"]?.intValue
        else { return nil }
        var submods = JSONObject()
        for (name, value) in submodules {
            guard let tee = value["tee"]?.stringValue else { return nil }
            var evidence: JSONObject = [tee: value["claims"] ?? .object([:])]
            if let digest = value["initData"]?.stringValue {
                evidence["init_data"] = .string(digest)
                evidence["init_data_claims"] = value["initDataClaims"] ?? .null
            }
            if let platform = value["platform"], platform.objectValue != nil { evidence["platform"] = platform }
            var submod: JSONObject = [
                "ear.status": value["status"] ?? .null, "ear.veraison.annotated-evidence": .object(evidence),
            ]
            if let vector = value["vector"]?.objectValue, !vector.isEmpty {
                submod["ear.trustworthiness-vector"] = .object(vector)
            }
            submods[name] = .object(submod)
        }
        var token: JSONObject = [
            "iat": .int(issuedAt), "exp": .int(issuedAt + 3600), "iss": claims["issuer"] ?? "",
            "submods": .object(submods),
        ]
        if let version = claims["protocol"], !version.isNull { token["claviger.protocol-version"] = version }
        return token
    }
}

/// Why a record of the ledger cannot be decided again.
public struct PastRequestError: Error, Sendable, Hashable {
    /// A stable word: `undecided` or `unreadable_record`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    private init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(member: String) {
        self.init(
            code: "unreadable_record",
            message: "Its member '\(member)' is missing or not what this version of claviger writes.")
    }

    /// No policy decided it, so that there is nothing to decide again.
    public static let undecided = PastRequestError(code: "undecided", message: "No policy decided it.")
}
