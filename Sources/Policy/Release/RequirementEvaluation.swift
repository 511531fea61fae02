import Crypto
import Encodings
import FoundationEssentials
import RATS

/// Evaluates `spec.require` of one policy for one request.
struct RequirementEvaluation {
    /// How far a clock of another replica may be ahead.
    static let clockTolerance: TimeInterval = 60

    let request: ReleaseRequest
    let primary: Appraisal

    /// One condition for each requirement; `reference` finds the reference values that the policy may see;
    /// it is made only where something is compared with one.
    func conditions(
        _ require: ReleaseRequirements, reference: @autoclosure () -> (String) -> ReferenceLookup
    ) -> [ConditionTrace] {
        var traces: [ConditionTrace] = []
        if !require.tees.isEmpty { traces.append(teeCondition(require.tees)) }
        for claim in TrustClaim.allCases {
            if let tier = require.trust[claim] { traces.append(trustCondition(claim, tier)) }
        }
        if let status = require.status { traces.append(statusCondition(status)) }
        if let age = require.maximumEvidenceAge { traces.append(ageCondition(age)) }
        if let initData = require.initData { traces.append(initDataCondition(initData)) }
        if let version = require.minimumProtocol { traces.append(protocolCondition(version)) }
        if let posture = require.posture {
            traces += PostureEvaluation(primary: primary, reference: reference()).conditions(posture)
        }
        return traces
    }

    private func condition(
        _ field: String, _ required: String, _ measured: [MeasuredValue], met: Bool,
        reason: DecisionReason = .conditionFalse, _ message: @autoclosure () -> String
    ) -> ConditionTrace {
        ConditionTrace(
            path: "spec.require.\(field)", required: required, measured: measured, outcome: met ? .met : .notMet,
            reason: met ? nil : reason, message: met ? nil : message())
    }

    private func teeCondition(_ tees: [TEE]) -> ConditionTrace {
        let names = tees.map(\.rawValue).joined(separator: ", ")
        return condition(
            "tees", "tee is one of \(names)", [MeasuredValue(name: "tee", value: primary.tee.rawValue)],
            met: tees.contains(primary.tee), "The attester is a '\(primary.tee.rawValue)', not one of \(names).")
    }

    private func trustCondition(_ claim: TrustClaim, _ tier: RequiredTier) -> ConditionTrace {
        let found = primary.vector.tier(of: claim)
        let value = primary.vector[claim].map { "\($0) (\(found.rawValue))" } ?? "absent"
        let cause = AppraisalCause(request.appraisals, submodule: primary.name, claims: [claim])
        return condition(
            "trust.\(claim.rawValue)", "\(claim.rawValue) is \(tier.accepted)",
            [MeasuredValue(name: "trust.\(claim.rawValue)", value: value)], met: tier.accepts(found),
            reason: cause?.reason ?? .conditionFalse,
            "The appraisal found \(claim.rawValue) \(found.rawValue), not \(tier.accepted)." + (cause?.sentence ?? ""))
    }

    private func statusCondition(_ tier: RequiredTier) -> ConditionTrace {
        let failing = request.attestation.appraisals.filter { !tier.accepts($0.status) }
        let measured = request.attestation.appraisals.map {
            MeasuredValue(name: "submods.\($0.name).status", value: $0.status.rawValue)
        }
        let names = failing.map { "\($0.name) is \($0.status.rawValue)" }.joined(separator: ", ")
        let causes = failing.compactMap { appraisal in
            let claims = TrustClaim.allCases.filter { !tier.accepts(appraisal.vector.tier(of: $0)) }
            return AppraisalCause(request.appraisals, submodule: appraisal.name, claims: claims)
        }
        let met = failing.isEmpty && !request.attestation.appraisals.isEmpty
        return condition(
            "status", "every appraisal is \(tier.accepted)", measured, met: met,
            reason: causes.first?.reason ?? .conditionFalse,
            "Not every appraisal is \(tier.accepted): \(names)." + (causes.first?.sentence ?? ""))
    }

    private func ageCondition(_ maximum: Int64) -> ConditionTrace {
        let age = request.evidenceAge
        let seconds = Int64(age.rounded(.down).clamped(to: -1e15...1e15))
        let fresh = age <= TimeInterval(maximum) && age >= -Self.clockTolerance
        return condition(
            "maxEvidenceAge", "attested at most \(DurationText.text(maximum)) ago",
            [MeasuredValue(name: "attestation.age", value: "\(seconds)s")], met: fresh, reason: .staleEvidence,
            age < 0
                ? "The attestation is from the future." : "The attestation is older than \(DurationText.text(maximum))."
        )
    }

    private func initDataCondition(_ requirement: InitDataRequirement) -> ConditionTrace {
        let text = primary.annotatedEvidence["init_data"]?.stringValue
        let identified = primary.initDataClaims != nil || !requirement.digests.isEmpty
        let required =
            requirement.digests.isEmpty
            ? "verified init-data" : "init-data with one of \(requirement.digests.count) digests"
        let measured = [MeasuredValue(name: "claims.init_data", value: text ?? "absent")]
        guard let text, identified || !requirement.required else {
            return condition(
                "initData", required, measured, met: !requirement.required, "The guest was attested without init-data.")
        }
        let met =
            requirement.digests.isEmpty
            || requirement.digests.contains { InitDataDigest.matches(text, $0, primary.tee) }
        return condition(
            "initData", required, measured, met: met, "The init-data is not one of the accepted documents.")
    }

    private func protocolCondition(_ minimum: ProtocolNumber) -> ConditionTrace {
        let text = request.attestation.protocolVersion
        let met = text.flatMap(ProtocolNumber.init).map { $0 >= minimum } ?? false
        return condition(
            "minProtocol", "KBS protocol \(minimum) or newer",
            [MeasuredValue(name: "attestation.protocol", value: text ?? "absent")], met: met,
            "The guest attested with an older protocol, or it is not known with which.")
    }
}

extension RequiredTier {
    /// The tiers that are accepted, as text.
    var accepted: String {
        switch self {
        case .affirming: "affirming"
        case .warning: "affirming or warning"
        case .none: "affirming or none"
        }
    }
}

extension TimeInterval {
    func clamped(to range: ClosedRange<TimeInterval>) -> TimeInterval {
        isNaN ? range.upperBound : Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}

/// Compares an init-data claim with the digest of a document.
enum InitDataDigest {
    /// Evidence carries the digest in a field of fixed size: padded with zero bytes, or cut to it (kbs-protocol 2.5).
    /// With a virtual TPM the claim is PCR 8 after the digest was extended into it.
    static func matches(_ claim: String, _ digest: [UInt8], _ tee: TEE) -> Bool {
        let base64 = tee == .sample || tee == .sampledevice
        let decoded = base64 ? try? Base64.decode(claim) : try? Hex.decode(claim.lowercased())
        guard let measured = decoded, measured.count >= 32 else { return false }
        if [.azSNPvTPM, .azTDXvTPM, .tpm].contains(tee) {
            let extended = SHA256.hash(data: [UInt8](repeating: 0, count: 32) + digest)
            return constantTimeEqual(Array(extended), measured)
        }
        let padding = [UInt8](repeating: 0, count: max(0, measured.count - digest.count))
        return constantTimeEqual(digest.prefix(measured.count) + padding, measured)
    }
}
