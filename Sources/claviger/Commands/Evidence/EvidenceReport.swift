import Encodings
import FoundationEssentials
import RATS
import RecordedEvidence
import Verification
import X509Trust

/// What there is to say of evidence, for people and for programs.
struct EvidenceReport {
    /// The claims of each thing described; `nil` when not even the signatures hold.
    let claims: [EvidenceClaims]?
    private let evidence: Evidence
    private let verdict: EvidenceVerdict
    private let refusal: VerificationError?
    private let appraisals: [Appraisal]
    /// Whether the verdict is one that anybody may rely on.
    private let isJudged: Bool

    init(
        _ evidence: Evidence, _ verdict: EvidenceVerdict, appraisals: [Appraisal] = [], isJudged: Bool = true,
        at date: Date
    ) {
        self.isJudged = isJudged
        self.evidence = evidence
        self.verdict = verdict
        self.appraisals = appraisals
        switch verdict.result {
        case .success(let claims):
            self.claims = claims
            refusal = nil
        case .failure(let error):
            claims = Self.inspected(evidence, error, at: date).map { [$0] }
            refusal = error
        }
    }

    /// What a quote says whose signatures hold, where only Intel's collateral is missing.
    private static func inspected(_ evidence: Evidence, _ error: VerificationError, at date: Date) -> EvidenceClaims? {
        guard ["collateral_unavailable", "revocation_unknown"].contains(error.code),
            let quote = evidence.content["quote"]?.stringValue.flatMap({ try? Base64.decode($0) }),
            let inspection = try? QuoteInspection(quote: quote, at: date)
        else { return nil }
        return EvidenceClaims(
            tee: inspection.tee, claims: inspection.claims, matchedReportData: nil,
            steps: inspection.steps + [.skipped("collateral", error.message)],
            chain: inspection.chain.certificates.map(\.der))
    }

    func json() -> JSONValue {
        var object: JSONObject = [
            "tee": .string(evidence.tee.rawValue), "bound": .bool(verdict.isBound),
        ]
        object[isJudged ? "accepted" : "readable"] = .bool(isJudged ? refusal == nil : claims != nil)
        if let refusal { object["refusal"] = ["code": .string(refusal.code), "message": .string(refusal.message)] }
        object["results"] = .array((claims ?? []).map(Self.json))
        if !appraisals.isEmpty {
            object["appraisals"] = .array(
                appraisals.map {
                    [
                        "name": .string($0.name), "status": .string($0.vector.status.rawValue),
                        "trustworthiness": .object($0.vector.json()),
                    ]
                })
        }
        return .object(object)
    }

    private static func json(_ result: EvidenceClaims) -> JSONValue {
        [
            "class": .string(result.deviceClass.rawValue), "claims": .object(result.claims),
            "checks": .array(
                result.steps.map {
                    [
                        "name": .string($0.name), "outcome": .string($0.outcome.rawValue),
                        "detail": .string($0.detail),
                    ]
                }),
            "chain": .array(certificates(result).map(Self.json)),
        ]
    }

    private static func json(_ certificate: Certificate) -> JSONValue {
        [
            "subject": .string(certificate.subject), "notBefore": .string(certificate.notBefore.formatted(.iso8601)),
            "notAfter": .string(certificate.notAfter.formatted(.iso8601)),
            "sha256": .string(Hex.encode(certificate.fingerprint)),
        ]
    }

    private static func certificates(_ result: EvidenceClaims) -> [Certificate] {
        result.chain.compactMap { try? Certificate(der: $0) }
    }

    func text() -> String {
        let isLenient = !isJudged && refusal == nil
        let summary = isLenient ? "its signatures hold; what a broker would say is not asked here" : verdict.summary
        var lines = ["\(evidence.tee.rawValue): \(summary)"]
        if let refusal { lines.append("  \(refusal.message)") }
        if !verdict.isBound {
            lines.append("  The nonce is not known here: whatever report data the evidence carries was taken.")
        }
        for result in claims ?? [] { lines += Self.lines(result) }
        if !appraisals.isEmpty { lines += appraisalLines }
        return lines.map(\.printable).joined(separator: "\n") + "\n"
    }

    private static func lines(_ result: EvidenceClaims) -> [String] {
        var lines = ["", "Checked"]
        for step in result.steps {
            lines.append("  \(step.outcome == .passed ? "ok " : "-- ") \(step.name): \(step.detail)")
        }
        let chain = certificates(result)
        if !chain.isEmpty { lines += ["", "Signed under"] }
        for certificate in chain {
            let end = certificate.notAfter.formatted(.iso8601)
            lines.append("  \(certificate.subjectCommonName ?? certificate.subject), valid until \(end)")
        }
        lines += ["", "Claims"]
        lines += YAMLText.text(.object(result.claims)).split(separator: "\n").map { "  \($0)" }
        return lines
    }

    private var appraisalLines: [String] {
        ["", "Appraised"]
            + appraisals.flatMap { appraisal in
                ["  \(appraisal.name): \(appraisal.vector.status.rawValue)"]
                    + appraisal.vector.json().map { "    \($0.name): \($0.value.serializedString())" }
            }
    }
}
