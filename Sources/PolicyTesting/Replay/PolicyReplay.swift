public import Encodings
public import FoundationEssentials
public import Policy
import RATS

/// Which past requests would be decided otherwise under other policies.
public struct PolicyReplay: Sendable {
    /// What would become of a past request.
    public enum Effect: Sendable, Hashable {
        /// It was allowed and would be denied.
        case loss
        /// It was denied and would be allowed.
        case gain
        /// It depends on counts or approvals of that time, which are not known.
        case undetermined
    }

    /// A request that would be decided otherwise, or may be, together with all others that differ in nothing that matters here.
    public struct Change: Sendable, Hashable {
        /// The resource, `repository/type/tag`.
        public let resource: String
        /// The kind of attester.
        public let tee: String
        /// What would become of it.
        public let effect: Effect
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
    /// How many records could not be read, by the reason; they are not part of ``total``.
    public private(set) var unreadable: [String: Int] = [:]
    private var byKey: [Key: Change] = [:]

    private let bundle: PolicyBundle
    private let gradesAgain: Bool

    private struct Key: Hashable {
        let resource: String
        let tee: String
        let effect: Effect
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

    /// Decides the request of a record of the admin API, with its claims. Records that no policy decided are left alone;
    /// those that cannot be read are counted.
    public mutating func add(record: JSONObject) {
        do throws(PastRequestError) {
            add(try PastRequest(record: record))
        } catch {
            if error != .undecided { unreadable[error.message, default: 0] += 1 }
        }
    }

    /// Decides a past request, as of the time when it was made.
    public mutating func add(_ past: PastRequest) {
        let trial = PolicyTrial(
            subject(of: past), asking: past.request, of: bundle, now: past.at, age: past.age,
            protocolVersion: past.attestation.protocolVersion, issuer: past.attestation.issuer)
        total += 1
        switch (past.allowed, ReplayVerdict(trial.decision, after: past.decision)) {
        case (true, .allowed): stillAllowed += 1
        case (false, .denied): stillDenied += 1
        case (true, .denied): note(past, .loss, trial.reason)
        case (false, .allowed): note(past, .gain, trial.reason)
        case (_, .undetermined(let message)): note(past, .undetermined, ("undetermined", message))
        }
    }

    private func subject(of past: PastRequest) -> PolicyTestCase.Subject {
        guard gradesAgain else { return .token(past.token) }
        return .evidence(
            past.attestation.appraisals.map { appraisal in
                var claims = appraisal.claims
                if let digest = appraisal.annotatedEvidence["init_data"] { claims["init_data"] = digest }
                return AppraisalInput(
                    claims: EvidenceClaims(
                        tee: appraisal.tee, deviceClass: appraisal.deviceClass, claims: claims, matchedReportData: nil),
                    runtimeDataClaims: nil, initDataClaims: appraisal.initDataClaims.map { .object($0) },
                    platformClaims: appraisal.platformClaims)
            })
    }

    private mutating func note(_ past: PastRequest, _ effect: Effect, _ after: (code: String, message: String)) {
        let key = Key(
            resource: past.request.path.joined(separator: "/"), tee: past.attestation.primary?.tee.rawValue ?? "",
            effect: effect, before: past.reason, after: after.code, message: after.message)
        var change =
            byKey[key]
            ?? Change(
                resource: key.resource, tee: key.tee, effect: effect, before: past.reason, after: after.code,
                message: after.message, count: 0, latest: past.id, latestAt: past.at)
        change.count += 1
        if past.at > change.latestAt { (change.latest, change.latestAt) = (past.id, past.at) }
        byKey[key] = change
    }

    /// What would be denied now and was allowed, the most frequent first.
    public var losses: [Change] { changes(.loss) }

    /// What would be allowed now and was denied, the most frequent first.
    public var gains: [Change] { changes(.gain) }

    /// What limits or approvals would decide that are not known any more, the most frequent first.
    public var undetermined: [Change] { changes(.undetermined) }

    private func changes(_ effect: Effect) -> [Change] {
        byKey.values.filter { $0.effect == effect }.sorted {
            ($1.count, $0.resource, $0.tee, $0.message) < ($0.count, $1.resource, $1.tee, $1.message)
        }
    }

    /// The result for programs.
    public func json() -> JSONValue {
        [
            "total": .int(Int64(total)), "stillAllowed": .int(Int64(stillAllowed)),
            "stillDenied": .int(Int64(stillDenied)), "losses": .array(losses.map(Self.json)),
            "gains": .array(gains.map(Self.json)), "undetermined": .array(undetermined.map(Self.json)),
            "unreadable": .object(
                JSONObject(unreadable.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) })),
            "gradedAgain": .bool(gradesAgain),
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

extension PolicyTrial {
    /// The code and the sentence of the decision, or why nobody was attested.
    fileprivate var reason: (code: String, message: String) {
        if case .failure(let reason) = appraisals { return (reason.code, reason.message) }
        return (decision?.reason.rawValue ?? "", decision?.message ?? "")
    }
}
