public import Encodings
public import FoundationEssentials

/// What was found out about a guest, as an issuer vouches for it: the content of an EAR token.
public struct AttestationResult: Sendable, Hashable {
    /// Who vouches (`iss`); empty when a foreign token names nobody.
    public let issuer: String
    /// For whom the result is meant (`aud`), when it is meant for one party.
    public let audience: String?
    /// The token's identifier (`jti`); empty when a foreign token has none.
    public let id: String
    /// When the result was issued (`iat`, whole seconds on the wire).
    public let issuedAt: Date
    /// When the result begins to hold (`nbf`).
    public let notBefore: Date?
    /// When the result ceases to hold (`exp`).
    public let expiresAt: Date
    /// The profile that the claims follow (`eat_profile`).
    public let profile: String
    /// Who made the verifier (`ear.verifier-id`, `developer`).
    public let verifierDeveloper: String
    /// Which build the verifier is (`ear.verifier-id`, `build`).
    public let verifierBuild: String
    /// The judgement on each attester.
    public let appraisals: [Appraisal]
    /// The KBS protocol version that the guest attested with.
    public let protocolVersion: String?
    /// The public key (JWK) that the evidence is bound to; secrets are sealed to it and to nothing else.
    public let teeKey: JSONObject?

    /// The profile that Trustee's tokens name, which our tokens follow.
    public static let trusteeProfile = "tag:github.com,2024:confidential-containers/Trustee"

    /// A result; its TEE key is the one in the runtime data that `cpu0` was attested with.
    public init(
        issuer: String, audience: String?, id: String, issuedAt: Date, notBefore: Date?, expiresAt: Date,
        profile: String = AttestationResult.trusteeProfile, verifierDeveloper: String, verifierBuild: String,
        appraisals: [Appraisal], protocolVersion: String?
    ) {
        let primary = appraisals.first { $0.name == "cpu0" }
        self.init(
            issuer: issuer, audience: audience, id: id, issuedAt: issuedAt, notBefore: notBefore,
            expiresAt: expiresAt, profile: profile, verifierDeveloper: verifierDeveloper, verifierBuild: verifierBuild,
            appraisals: appraisals, protocolVersion: protocolVersion,
            teeKey: primary?.runtimeDataClaims?["tee-pubkey"]?.objectValue)
    }

    init(
        issuer: String, audience: String?, id: String, issuedAt: Date, notBefore: Date?, expiresAt: Date,
        profile: String, verifierDeveloper: String, verifierBuild: String, appraisals: [Appraisal],
        protocolVersion: String?, teeKey: JSONObject?
    ) {
        self.issuer = issuer
        self.audience = audience
        self.id = id
        self.issuedAt = issuedAt
        self.notBefore = notBefore
        self.expiresAt = expiresAt
        self.profile = profile
        self.verifierDeveloper = verifierDeveloper
        self.verifierBuild = verifierBuild
        self.appraisals = appraisals
        self.protocolVersion = protocolVersion
        self.teeKey = teeKey
    }

    /// The judgement on the confidential VM or enclave itself.
    public var primary: Appraisal? {
        appraisals.first { $0.deviceClass == .cpu }
    }

    /// The worst status of all appraisals.
    public var status: TrustTier {
        appraisals.map(\.status).max() ?? .none
    }
}
