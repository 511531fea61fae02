public import Encodings
import FoundationEssentials

extension AttestationResult {
    /// The claims of an EAR token (draft-ietf-rats-ear), in the order that Trustee writes them, followed by ours.
    ///
    /// Times are whole seconds since 1970. `aud`, `nbf` and the protocol version appear only when they are set.
    public func earClaims() -> JSONObject {
        var claims = JSONObject()
        claims[EARClaim.profile] = .string(profile)
        claims[EARClaim.issuedAt] = .seconds(issuedAt)
        claims[EARClaim.verifier] = .object([
            "developer": .string(verifierDeveloper), "build": .string(verifierBuild),
        ])
        var submodules = JSONObject()
        for appraisal in appraisals.sorted(by: { $0.name < $1.name }) {
            submodules[appraisal.name] = .object(appraisal.earClaims())
        }
        claims[EARClaim.submodules] = .object(submodules)
        claims[EARClaim.expiresAt] = .seconds(expiresAt)
        claims[EARClaim.issuer] = .string(issuer)
        if !id.isEmpty { claims[EARClaim.id] = .string(id) }
        if let notBefore { claims[EARClaim.notBefore] = .seconds(notBefore) }
        if let audience { claims[EARClaim.audience] = .string(audience) }
        if let protocolVersion { claims[EARClaim.protocolVersion] = .string(protocolVersion) }
        return claims
    }
}

extension Appraisal {
    /// The members of one submodule of an EAR.
    public func earClaims() -> JSONObject {
        var claims = JSONObject()
        claims[EARClaim.status] = .string(status.rawValue)
        if !vector.isEmpty { claims[EARClaim.vector] = .object(vector.json()) }
        claims[EARClaim.policyID] = .string(policyID)
        claims[EARClaim.annotatedEvidence] = .object(annotatedEvidence)
        for (name, value) in extensions where !EARClaim.ofAppraisal.contains(name) {
            claims[name] = value
        }
        return claims
    }
}

/// Names of members in EAR tokens.
enum EARClaim {
    static let profile = "eat_profile"
    static let issuedAt = "iat"
    static let verifier = "ear.verifier-id"
    static let submodules = "submods"
    static let expiresAt = "exp"
    static let issuer = "iss"
    static let id = "jti"
    static let notBefore = "nbf"
    static let audience = "aud"
    static let protocolVersion = "claviger.protocol-version"

    static let status = "ear.status"
    static let vector = "ear.trustworthiness-vector"
    static let policyID = "ear.appraisal-policy-id"
    static let annotatedEvidence = "ear.veraison.annotated-evidence"
    static let ofAppraisal: Set<String> = [status, vector, policyID, annotatedEvidence]
}

extension JSONValue {
    static func seconds(_ date: Date) -> JSONValue {
        .int(Int64(date.timeIntervalSince1970.rounded(.down)))
    }
}
