public import Encodings

/// The judgement on one attester (one submodule of an EAR, draft-ietf-rats-ear).
public struct Appraisal: Sendable, Hashable {
    /// The submodule's name, such as `cpu0`.
    public let name: String
    /// The kind of attester.
    public let tee: TEE
    /// The class of the thing appraised.
    public let deviceClass: DeviceClass
    /// The grades.
    public let vector: TrustVector
    /// The worst grade, or what the issuer declared when it sent no grades.
    public let status: TrustTier
    /// The identifier of the policy that was asked for, such as `default`.
    public let policyID: String
    /// The claims that were appraised; see ``annotatedEvidence(claims:initDataClaims:runtimeDataClaims:tee:)``.
    public let annotatedEvidence: JSONObject
    /// Further members that the policy added under names of its own.
    public let extensions: JSONObject

    /// A judgement; its status follows from the grades.
    public init(
        name: String, tee: TEE, deviceClass: DeviceClass, vector: TrustVector, policyID: String,
        annotatedEvidence: JSONObject, extensions: JSONObject = [:]
    ) {
        self.init(
            name: name, tee: tee, deviceClass: deviceClass, vector: vector, status: vector.status,
            policyID: policyID, annotatedEvidence: annotatedEvidence, extensions: extensions)
    }

    init(
        name: String, tee: TEE, deviceClass: DeviceClass, vector: TrustVector, status: TrustTier, policyID: String,
        annotatedEvidence: JSONObject, extensions: JSONObject
    ) {
        self.name = name
        self.tee = tee
        self.deviceClass = deviceClass
        self.vector = vector
        self.status = status
        self.policyID = policyID
        self.annotatedEvidence = annotatedEvidence
        self.extensions = extensions
    }

    /// The verifier's own claims: what stands under the TEE's name in the annotated evidence.
    public var claims: JSONObject {
        annotatedEvidence[tee.rawValue]?.objectValue ?? [:]
    }

    /// The runtime data that the report data covers (nonce, TEE key), when the issuer sent it in structured form.
    public var runtimeDataClaims: JSONObject? {
        annotatedEvidence["runtime_data_claims"]?.objectValue
    }

    /// What the issuer remembers of the machine, when it remembers it: see the claim `platform`.
    public var platformClaims: JSONObject? {
        annotatedEvidence["platform"]?.objectValue
    }

    /// The parsed init-data, when the guest sent one and the verifier bound it.
    public var initDataClaims: JSONObject? {
        annotatedEvidence["init_data_claims"]?.objectValue
    }
}

/// Arranges a verifier's claims for policies and tokens.
///
/// `report_data` and `init_data` move to the top, each beside the plaintext it covers (`runtime_data_claims`,
/// `init_data_claims`; `null` when there is none); all other claims go under the TEE's name. A claim of one of these
/// two names that is no string is not a digest and stays with the others. What the issuer itself remembers of the
/// machine stands beside them as `platform`.
public func annotatedEvidence(
    claims: JSONObject, initDataClaims: JSONValue?, runtimeDataClaims: JSONValue?, platformClaims: JSONObject? = nil,
    tee: TEE
) -> JSONObject {
    var rest = JSONObject()
    var initData: String?
    var reportData: String?
    for (name, value) in claims {
        switch (name, value) {
        case ("init_data", .string(let digest)): initData = digest
        case ("report_data", .string(let digest)): reportData = digest
        default: rest[name] = value
        }
    }
    var result = JSONObject()
    if let initData {
        result["init_data"] = .string(initData)
        result["init_data_claims"] = initDataClaims ?? .null
    }
    if let reportData {
        result["report_data"] = .string(reportData)
        result["runtime_data_claims"] = runtimeDataClaims ?? .null
    }
    result["platform"] = platformClaims.map { .object($0) }
    result[tee.rawValue] = .object(rest)
    return result
}
