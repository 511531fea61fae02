public import Encodings

/// What one attester presented, not yet believed.
public struct Evidence: Sendable, Hashable {
    /// The kind of attester that the evidence claims to come from.
    public let tee: TEE
    /// The evidence in the JSON form of its kind.
    public let content: JSONValue

    /// Evidence of `tee` as received.
    public init(tee: TEE, content: JSONValue) {
        self.tee = tee
        self.content = content
    }
}

/// What a verifier found out from evidence that it believes.
public struct EvidenceClaims: Sendable, Hashable {
    /// The kind of attester.
    public let tee: TEE
    /// The class of the thing described; it names the submodule.
    public let deviceClass: DeviceClass
    /// The verifier's claims, with `report_data` and `init_data` (strings) where the kind has them.
    public let claims: JSONObject
    /// Index into ``EvidenceBinding/reportData`` of the digest that the evidence carries.
    public let matchedReportData: Int?

    /// Claims of one attester; the class is the usual one of `tee` unless given.
    public init(tee: TEE, deviceClass: DeviceClass? = nil, claims: JSONObject, matchedReportData: Int?) {
        self.tee = tee
        self.deviceClass = deviceClass ?? tee.deviceClass
        self.claims = claims
        self.matchedReportData = matchedReportData
    }
}

/// What a verifier is handed besides the evidence.
public struct VerificationContext: Sendable {
    /// The time at which certificates and collateral must be valid.
    public let clock: WallClock

    /// A context with this clock.
    public init(clock: WallClock = .system) {
        self.clock = clock
    }
}

/// Why evidence was not believed.
public struct VerificationError: Error, Sendable, Hashable {
    /// A stable word for programs, such as `report_data_mismatch`.
    public let code: String
    /// A sentence for the operator, without secret values.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// Turns evidence of one kind into claims.
public protocol EvidenceVerifier: Sendable {
    /// The kind of evidence that this verifier reads.
    var tee: TEE { get }

    /// Verifies signatures, endorsements and the binding, and returns the claims of each thing described.
    ///
    /// Throws ``VerificationError`` when anything about the evidence is not as it must be.
    func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims]
}
