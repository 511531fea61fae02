public import Encodings
public import FoundationEssentials
import Policy

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

    /// Reads one decision of the admin API, with its claims.
    ///
    /// Nothing for records that no policy decided: attestations that were refused, and requests while the policies could
    /// not be used.
    public init?(record: JSONObject) {
        guard let id = record["id"]?.stringValue, let time = record["at"]?.stringValue,
            let at = TimestampText.date(time),
            let path = record["path"]?.stringValue, let claims = record["claims"],
            let token = Self.token(of: claims), let trace = record["trace"], let decision = try? Decision(json: trace)
        else { return nil }
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
