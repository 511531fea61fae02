public import Encodings

/// What a verifier is handed besides the evidence.
public struct VerificationContext: Sendable {
    /// The time at which certificates and collateral must be valid.
    public let clock: WallClock
    /// Where to ask for collateral that the evidence does not bring along.
    public let collateral: any CollateralSource
    /// What the verifier gave with the challenge of this session, when it had made one of its own.
    public let challengeState: [UInt8]?

    /// A context with this clock and collateral; without a source there is none.
    public init(
        clock: WallClock = .system, collateral: any CollateralSource = FixedCollateral(), challengeState: [UInt8]? = nil
    ) {
        self.clock = clock
        self.collateral = collateral
        self.challengeState = challengeState
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

/// A challenge that a kind of hardware needs beside the nonce, or in its place, as IBM Secure Execution does.
public struct VerifierChallenge: Sendable, Hashable {
    /// What the guest gets in place of a random nonce, for kinds whose agents look for the challenge there; it must be
    /// another for each session. `nil` for a random nonce.
    public let nonce: String?
    /// What the guest gets beside the nonce (`extra-params` of the challenge); `nil` for nothing.
    public let extraParameters: JSONValue?
    /// What the verifier must know again when the evidence arrives; it is kept sealed and returned once.
    public let state: [UInt8]

    /// A challenge with these parameters and state.
    public init(nonce: String? = nil, extraParameters: JSONValue? = nil, state: [UInt8]) {
        self.nonce = nonce
        self.extraParameters = extraParameters
        self.state = state
    }
}

/// Turns evidence of one kind into claims.
public protocol EvidenceVerifier: Sendable {
    /// The kind of evidence that this verifier reads.
    var tee: TEE { get }

    /// The challenge for a guest that sent `extraParameters` with its request; `nil` when the nonce is all.
    func challenge(
        extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge?

    /// Verifies signatures, endorsements and the binding, and returns the claims of each thing described.
    ///
    /// Throws ``VerificationError`` when anything about the evidence is not as it must be.
    func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims]

    /// The report data that the evidence carries, as it stands there and not believed: for people who look at evidence
    /// whose nonce they do not have.
    ///
    /// Throws `malformed_evidence`.
    func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8]
}

extension EvidenceVerifier {
    /// No challenge beside the nonce.
    public func challenge(
        extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge? { nil }
}
