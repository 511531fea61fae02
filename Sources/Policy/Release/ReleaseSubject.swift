import CEL
import Encodings
import FoundationEssentials
import RATS

/// Who wants something: a verified attestation result together with its claims in the form that expressions read.
///
/// Making one costs more than a simple decision, so a caller who asks several times is worth keeping.
public struct ReleaseSubject: Sendable {
    /// The verified attestation result.
    public let attestation: AttestationResult
    /// The variables of expressions that depend on nothing but the attestation.
    let variables: [String: CELValue]

    /// The subject of an attestation result.
    public init(_ attestation: AttestationResult) {
        self.attestation = attestation
        var variables: [String: CELValue] = [:]
        var submods = CELMap()
        for appraisal in attestation.appraisals {
            let claims = CELValue(.object(appraisal.annotatedEvidence))
            let trust = CELValue(.object(appraisal.vector.json()))
            submods.insert(
                [
                    "status": .string(appraisal.status.rawValue), "trust": trust, "claims": claims,
                    "tee": .string(appraisal.tee.rawValue), "class": .string(appraisal.deviceClass.rawValue),
                ], for: .string(appraisal.name))
            guard appraisal.name == attestation.primary?.name else { continue }
            variables["tee"] = .string(appraisal.tee.rawValue)
            variables["status"] = .string(appraisal.status.rawValue)
            variables["trust"] = trust
            variables["claims"] = claims
        }
        variables["submods"] = .map(submods)
        self.variables = variables
    }
}
