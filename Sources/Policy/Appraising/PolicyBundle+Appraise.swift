import Encodings
import FoundationEssentials
import RATS

/// Verified claims that are to be graded.
public struct AppraisalInput: Sendable {
    /// The verifier's claims.
    public let claims: EvidenceClaims
    /// What the report data covers, in structured form.
    public let runtimeDataClaims: JSONValue?
    /// The parsed init-data.
    public let initDataClaims: JSONValue?
    /// What is remembered of the machine; `nil` when nothing is.
    public let platformClaims: JSONObject?
    /// The policy that was asked for; the class is added to it: `default` means `default-cpu` for a `cpu`.
    public let policyID: String

    /// Claims of one attester with the plaintexts that they cover.
    public init(
        claims: EvidenceClaims, runtimeDataClaims: JSONValue?, initDataClaims: JSONValue?,
        platformClaims: JSONObject? = nil, policyID: String = "default"
    ) {
        self.claims = claims
        self.runtimeDataClaims = runtimeDataClaims
        self.initDataClaims = initDataClaims
        self.platformClaims = platformClaims
        self.policyID = policyID
    }
}

/// Grades, and how they came about.
public struct AppraisalReport: Sendable {
    /// One appraisal for each input, in order.
    public let appraisals: [Appraisal]
    /// One trace for each appraisal.
    public let traces: [AppraisalTrace]
}

/// Why nothing was graded.
public struct AppraisalFailure: Error, Sendable, Hashable {
    /// A stable word: `no_appraisal_policy` or `no_evidence`.
    public let code: String
    /// A sentence for the operator.
    public let message: String
    /// The submodule that could not be appraised, such as `gpu0`.
    public let submodule: String?
}

extension PolicyBundle {
    /// The name of the appraisal policy for a policy identifier and a class, such as `default-cpu`.
    public static func appraisalPolicyName(_ policyID: String, _ deviceClass: DeviceClass) -> String {
        "\(policyID)-\(deviceClass.rawValue)"
    }

    /// The name of the appraisal policy that an upload under `id` means: `default_cpu` is `default-cpu`.
    public static func appraisalPolicyName(uploadID id: String) -> String {
        String(id.lowercased().map { $0 == "_" ? "-" : $0 })
    }

    /// Grades verified claims, those of a guest before those of its devices; one submodule that no policy is there for
    /// fails the whole attestation.
    public func appraise(_ evidence: [AppraisalInput], now: Date) -> Result<[Appraisal], AppraisalFailure> {
        appraisalReport(evidence, now: now).map(\.appraisals)
    }

    /// The same, with the trace of each submodule.
    public func appraisalReport(_ evidence: [AppraisalInput], now: Date) -> Result<AppraisalReport, AppraisalFailure> {
        guard !evidence.isEmpty else {
            return .failure(
                AppraisalFailure(code: "no_evidence", message: "There is nothing to appraise.", submodule: nil))
        }
        let names = DeviceClass.submoduleNames(of: evidence.map(\.claims.deviceClass))
        var appraisals: [Appraisal] = []
        var traces: [AppraisalTrace] = []
        for (name, input) in zip(names, evidence) {
            let deviceClass = input.claims.deviceClass
            let policyName = Self.appraisalPolicyName(input.policyID, deviceClass)
            guard let policy = self.appraisals[policyName], policy.spec.deviceClass == deviceClass else {
                return .failure(
                    AppraisalFailure(
                        code: "no_appraisal_policy",
                        message:
                            "There is no AppraisalPolicy '\(policyName)' of class '\(deviceClass.rawValue)' for \(name).",
                        submodule: name))
            }
            // A device says nothing about the guest that uses it: beside one that must not be trusted it is worth nothing.
            let guest = deviceClass == .cpu ? nil : appraisals.first { $0.deviceClass == .cpu }
            let evaluation = AppraisalEvaluation(
                policy: policy, input: input, submodule: name, references: references, now: now,
                guestTier: guest?.status == .contraindicated ? .contraindicated : nil)
            let (appraisal, trace) = evaluation.run()
            appraisals.append(appraisal)
            traces.append(trace)
        }
        return .success(AppraisalReport(appraisals: appraisals, traces: traces))
    }
}
