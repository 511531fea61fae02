import Encodings
import FoundationEssentials
import Policy
import RATS

/// What is known about an attested session: the claims of its token, and how its grades came about. It is stored sealed,
/// bound to the session's hash.
struct SessionState: Sendable {
    let attestation: AttestationResult
    private let traces: JSONValue

    init(attestation: AttestationResult, appraisals: [AppraisalTrace]) {
        self.attestation = attestation
        traces = .array(appraisals.map { $0.json() })
    }

    func serialized() -> [UInt8] {
        JSONValue.object(["claims": .object(attestation.earClaims()), "appraisals": traces]).serialized()
    }

    init?(parsing bytes: [UInt8]) {
        guard let state = try? JSONObject(parsing: bytes), let claims = state["claims"]?.objectValue,
            let result = try? AttestationResult(earClaims: claims)
        else { return nil }
        attestation = result
        traces = state["appraisals"] ?? .array([])
    }

    /// How the grades came about; read only when a refusal has to be explained.
    func appraisals() -> [AppraisalTrace] {
        (traces.arrayValue ?? []).compactMap { try? AppraisalTrace(json: $0) }
    }
}
