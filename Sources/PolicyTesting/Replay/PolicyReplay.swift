public import Encodings
public import FoundationEssentials
public import Policy
import RATS

/// Which past requests would be decided otherwise under other policies.
public struct PolicyReplay: Sendable {
    /// A request that would be decided otherwise, together with all others that differ in nothing that matters here.
    public struct Change: Sendable, Hashable {
        /// The resource, `repository/type/tag`.
        public let resource: String
        /// The kind of attester.
        public let tee: String
        /// Whether it would be allowed now.
        public let isGain: Bool
        /// The reason of that time.
        public let before: String
        /// The reason under the other policies.
        public let after: String
        /// Why, in one sentence.
        public let message: String
        /// How many requests this stands for.
        public fileprivate(set) var count: Int
        /// The latest of them, by the id of its decision.
        public fileprivate(set) var latest: String
        /// When that was.
        public fileprivate(set) var latestAt: Date
    }

    /// The requests that were looked at.
    public private(set) var total = 0
    /// Those that are allowed before and after.
    public private(set) var stillAllowed = 0
    /// Those that are denied before and after.
    public private(set) var stillDenied = 0
    private var byKey: [Key: Change] = [:]

    private let bundle: PolicyBundle
    private let gradesAgain: Bool

    private struct Key: Hashable {
        let resource: String
        let tee: String
        let isGain: Bool
        let before: String
        let after: String
        let message: String
    }

    /// A replay under `bundle`.
    ///
    /// - Parameter gradesAgain: whether the stored claims are appraised by `bundle` as well; else the grades of that time
    ///   are taken as they are.
    public init(under bundle: PolicyBundle, gradesAgain: Bool) {
        self.bundle = bundle
        self.gradesAgain = gradesAgain
    }

    /// Decides a past request, as of the time when it was made.
    public mutating func add(_ past: PastRequest) {
        let trial = PolicyTrial(subject(of: past), asking: past.request, of: bundle, now: past.at, age: past.age)
        let allowed = trial.decision?.allowed ?? false
        total += 1
        switch (past.allowed, allowed) {
        case (true, true): stillAllowed += 1
        case (false, false): stillDenied += 1
        default: note(past, trial, isGain: allowed)
        }
    }

    private func subject(of past: PastRequest) -> PolicyTestCase.Subject {
        guard gradesAgain, let attestation = try? AttestationResult(earClaims: past.token) else {
            return .token(past.token)
        }
        return .evidence(
            attestation.appraisals.map { appraisal in
                var claims = appraisal.claims
                if let digest = appraisal.annotatedEvidence["init_data"] { claims["init_data"] = digest }
                return AppraisalInput(
                    claims: EvidenceClaims(
                        tee: appraisal.tee, deviceClass: appraisal.deviceClass, claims: claims, matchedReportData: nil),
                    runtimeDataClaims: nil, initDataClaims: appraisal.initDataClaims.map { .object($0) })
            })
    }

    private mutating func note(_ past: PastRequest, _ trial: PolicyTrial, isGain: Bool) {
        var (code, message) = (trial.decision?.reason.rawValue ?? "", trial.decision?.message ?? "")
        if case .failure(let reason) = trial.appraisals { (code, message) = (reason.code, reason.message) }
        let tee = (try? AttestationResult(earClaims: past.token))?.primary?.tee.rawValue ?? ""
        let key = Key(
            resource: past.request.path.joined(separator: "/"), tee: tee, isGain: isGain, before: past.reason,
            after: code, message: message)
        var change =
            byKey[key]
            ?? Change(
                resource: key.resource, tee: tee, isGain: isGain, before: past.reason, after: code, message: message,
                count: 0, latest: past.id, latestAt: past.at)
        change.count += 1
        if past.at > change.latestAt { (change.latest, change.latestAt) = (past.id, past.at) }
        byKey[key] = change
    }

    /// What would be denied now and was allowed, the most frequent first.
    public var losses: [Change] { changes(isGain: false) }

    /// What would be allowed now and was denied, the most frequent first.
    public var gains: [Change] { changes(isGain: true) }

    private func changes(isGain: Bool) -> [Change] {
        byKey.values.filter { $0.isGain == isGain }.sorted {
            ($1.count, $0.resource, $0.tee, $0.message) < ($0.count, $1.resource, $1.tee, $1.message)
        }
    }

    /// The result for programs.
    public func json() -> JSONValue {
        [
            "total": .int(Int64(total)), "stillAllowed": .int(Int64(stillAllowed)),
            "stillDenied": .int(Int64(stillDenied)), "losses": .array(losses.map(Self.json)),
            "gains": .array(gains.map(Self.json)), "gradedAgain": .bool(gradesAgain),
            "bundleDigest": .string(bundle.digest),
        ]
    }

    private static func json(_ change: Change) -> JSONValue {
        [
            "resource": .string(change.resource), "tee": .string(change.tee), "before": .string(change.before),
            "after": .string(change.after), "message": .string(change.message), "count": .int(Int64(change.count)),
            "latest": .string(change.latest), "latestAt": .string(TimestampText.text(change.latestAt)),
        ]
    }
}

extension PastRequest {
    /// Seconds between the attestation and the request.
    var age: Int64 {
        (token["iat"]?.intValue).map { Int64(at.timeIntervalSince1970.rounded(.down)) - $0 } ?? 0
    }
}
