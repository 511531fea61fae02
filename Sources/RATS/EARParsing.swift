public import Encodings
import FoundationEssentials

extension AttestationResult {
    /// Reads the claims of an EAR token whose signature was verified.
    ///
    /// The TEE key is read from the one place that `keyProfile` names. Throws `malformed_claims` for a missing or
    /// mistyped member, `unknown_submodule`, `unknown_tee`, `invalid_trust_vector`, `status_mismatch` when a status
    /// contradicts its grades, `invalid_tee_key`, `misplaced_tee_key` and `conflicting_tee_keys`.
    public init(earClaims claims: JSONObject, keyProfile: TEEKeyProfile = .ear) throws(AttestationResultError) {
        guard let submodules = claims[EARClaim.submodules]?.objectValue, !submodules.isEmpty else {
            throw .malformed("The token has no submodules.")
        }
        var appraisals: [Appraisal] = []
        for (name, value) in submodules {
            guard let members = value.objectValue else { throw .malformed("A submodule is no object.") }
            appraisals.append(try Appraisal(name: name, earClaims: members))
        }
        let verifier = claims[EARClaim.verifier]?.objectValue ?? [:]
        let protocolVersion = try claims.text(EARClaim.protocolVersion)
        let profile = try claims.text(EARClaim.profile)
        self.init(
            issuer: try claims.text(EARClaim.issuer) ?? "", audience: try claims.soleAudience(),
            id: try claims.text(EARClaim.id) ?? "", issuedAt: try claims.requiredDate(EARClaim.issuedAt),
            notBefore: try claims.date(EARClaim.notBefore), expiresAt: try claims.requiredDate(EARClaim.expiresAt),
            profile: profile ?? "", verifierDeveloper: try verifier.text("developer") ?? "",
            verifierBuild: try verifier.text("build") ?? "", appraisals: appraisals.sorted { $0.name < $1.name },
            protocolVersion: protocolVersion, teeKey: try keyProfile.key(in: claims))
    }
}

extension Appraisal {
    /// Reads one submodule of an EAR.
    ///
    /// Throws the errors of ``AttestationResult/init(earClaims:keyProfile:)``.
    public init(name: String, earClaims members: JSONObject) throws(AttestationResultError) {
        guard let deviceClass = DeviceClass(submoduleName: name) else {
            throw AttestationResultError(
                code: "unknown_submodule", message: "The token has a submodule of an unknown class.")
        }
        guard let evidence = members[EARClaim.annotatedEvidence]?.objectValue else {
            throw .malformed("Submodule \(name) has no annotated evidence.")
        }
        var vector = TrustVector()
        if let grades = members[EARClaim.vector] {
            guard let object = grades.objectValue else { throw .malformed("A trustworthiness vector is no object.") }
            vector = try TrustVector(json: object)
        }
        guard let text = members[EARClaim.status]?.stringValue, let status = TrustTier(rawValue: text) else {
            throw .malformed("Submodule \(name) has no known status.")
        }
        guard vector.isEmpty || vector.status == status else {
            throw AttestationResultError(
                code: "status_mismatch", message: "The status of submodule \(name) contradicts its grades.")
        }
        var extensions = JSONObject()
        for (name, value) in members where !EARClaim.ofAppraisal.contains(name) { extensions[name] = value }
        let (tee, normalised) = try Self.namedTEE(of: evidence, submodule: name)
        self.init(
            name: name, tee: tee, deviceClass: deviceClass, vector: vector, status: status,
            policyID: try members.text(EARClaim.policyID) ?? "", annotatedEvidence: normalised,
            extensions: extensions)
    }

    /// The one TEE whose claims the evidence holds, and the evidence with that TEE under its present name.
    private static func namedTEE(
        of evidence: JSONObject, submodule: String
    ) throws(AttestationResultError) -> (TEE, JSONObject) {
        var result = JSONObject()
        var tees: [TEE] = []
        for (name, value) in evidence {
            if let tee = TEE(wireName: name) {
                tees.append(tee)
                result[tee.rawValue] = value
            } else {
                result[name] = value
            }
        }
        guard tees.count == 1 else {
            throw AttestationResultError(
                code: "unknown_tee",
                message: "Submodule \(submodule) does not hold the claims of exactly one known TEE.")
        }
        return (tees[0], result)
    }
}

extension JSONObject {
    fileprivate func text(_ name: String) throws(AttestationResultError) -> String? {
        guard let value = self[name], value != .null else { return nil }
        guard let text = value.stringValue else { throw .malformed("Claim \(name) is no string.") }
        return text
    }

    fileprivate func date(_ name: String) throws(AttestationResultError) -> Date? {
        guard let value = self[name] else { return nil }
        // The bound (year 9999) keeps the conversion to seconds exact and later arithmetic from overflowing.
        guard case .int(let seconds) = value, (0...253_402_300_799).contains(seconds) else {
            throw .malformed("Claim \(name) is no time in whole seconds.")
        }
        return Date(timeIntervalSince1970: TimeInterval(seconds))
    }

    fileprivate func requiredDate(_ name: String) throws(AttestationResultError) -> Date {
        guard let date = try date(name) else { throw .malformed("Claim \(name) is missing.") }
        return date
    }

    /// The audience when it is a single one; tokens for several parties are checked by whoever verifies them.
    fileprivate func soleAudience() throws(AttestationResultError) -> String? {
        guard let value = self[EARClaim.audience] else { return nil }
        switch value {
        case .string(let audience): return audience
        case .array(let audiences) where audiences.allSatisfy({ $0.stringValue != nil }):
            return audiences.count == 1 ? audiences[0].stringValue : nil
        default: throw .malformed("Claim aud is neither a string nor a list of strings.")
        }
    }
}

extension AttestationResultError {
    static func malformed(_ message: String) -> AttestationResultError {
        AttestationResultError(code: "malformed_claims", message: message)
    }
}
