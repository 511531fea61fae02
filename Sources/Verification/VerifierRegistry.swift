public import Encodings
public import RATS

/// The one way from evidence to claims: every door of the broker comes through here.
public struct VerifierRegistry: Sendable {
    private let verifiers: [TEE: any EvidenceVerifier]

    /// A registry of these verifiers; of two for one kind the later counts.
    ///
    /// Evidence without hardware is believed only when ``SampleVerifier`` or ``SampleDeviceVerifier`` is among them.
    public init(verifiers: [any EvidenceVerifier]) {
        self.verifiers = Dictionary(verifiers.map { ($0.tee, $0) }) { $1 }
    }

    /// The kinds of evidence that can be verified.
    public var tees: Set<TEE> { Set(verifiers.keys) }

    /// Whether evidence is believed that comes from no hardware.
    public var acceptsSampleEvidence: Bool { !tees.isDisjoint(with: [.sample, .sampledevice]) }

    /// Verifies a guest's evidence and that of its devices, and returns the claims of everything described, the guest's
    /// own first.
    ///
    /// All of it must verify and be bound: the first failure is the result. Throws `unsupported_tee` for a kind without
    /// a verifier, `unbound_evidence` and `foreign_claims` when a verifier's answer does not hold what it must, and
    /// whatever the verifiers throw.
    public func verify(
        primary: Evidence, devices: [Evidence] = [], binding: EvidenceBinding, deviceBinding: EvidenceBinding,
        context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        var all = try await claims(in: primary, binding: binding, context: context)
        // Whoever drives a device can have it sign anything: alone it says nothing about the guest that asks.
        if primary.tee.deviceClass != .cpu { all = all.map { $0.capped(at: .contraindicated) } }
        for device in devices {
            all += try await claims(in: device, binding: deviceBinding, context: context)
        }
        return all
    }

    /// The verifier's own challenge for a guest of this kind that sent `extraParameters`; `nil` when the nonce is all.
    ///
    /// Throws `unsupported_tee` for a kind without a verifier, and whatever the verifier throws.
    public func challenge(
        for tee: TEE, extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge? {
        guard let verifier = verifiers[tee] else { throw .unsupported(tee) }
        return try await verifier.challenge(extraParameters: extraParameters, context: context)
    }

    /// The report data that evidence carries, not believed: for people who look at evidence whose nonce they do not have.
    ///
    /// Throws `unsupported_tee` for a kind without a verifier, and `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        guard let verifier = verifiers[evidence.tee] else { throw .unsupported(evidence.tee) }
        return try verifier.statedReportData(in: evidence)
    }

    private func claims(
        in evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        guard let verifier = verifiers[evidence.tee] else { throw .unsupported(evidence.tee) }
        let claims = try await verifier.verify(evidence, binding: binding, context: context)
        guard !claims.isEmpty, claims.allSatisfy({ $0.tee == evidence.tee }) else {
            throw VerificationError(
                code: "foreign_claims", message: "The verifier's claims are not about the evidence that it was given.")
        }
        for claim in claims {
            guard let index = claim.matchedReportData, binding.reportData.indices.contains(index) else {
                throw VerificationError(
                    code: "unbound_evidence", message: "The evidence is not bound to this session's key and nonce.")
            }
        }
        return claims
    }
}

extension VerificationError {
    static func unsupported(_ tee: TEE) -> VerificationError {
        let advice =
            switch tee {
            case .sample, .sampledevice:
                "It comes from no hardware and is accepted only where sample evidence is switched on, for development."
            default: "Use a broker that has a verifier for it."
            }
        return VerificationError(
            code: "unsupported_tee",
            message: "Evidence of kind \(tee.rawValue) cannot be verified here. \(advice)")
    }
}
