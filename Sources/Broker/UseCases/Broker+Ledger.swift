import Crypto
import Encodings
import FoundationEssentials
import JOSE
import Logging
import Policy
import RATS
import Storage

extension Broker {
    /// Makes a release decision durable; nothing may be answered before.
    func record(
        _ decision: Decision, id: String, _ input: ReleaseInput, _ caller: Caller, refusal: String?, found: Bool,
        now: Date
    ) async throws(BrokerError) {
        let record = ledgerRecord(decision, id: id, input, caller, refusal: refusal, found: found, now: now)
        try await append(record)
        log(record)
    }

    func ledgerRecord(
        _ decision: Decision, id: String, _ input: ReleaseInput, _ caller: Caller, refusal: String?, found: Bool,
        now: Date
    ) -> DecisionRecord {
        let allowed = decision.allowed && refusal == nil
        let outcome = allowed && !found ? "resource_not_found" : refusal ?? decision.reason.rawValue
        return DecisionRecord(
            id: id, at: now, allowed: allowed, code: outcome,
            reason: refusal.map(Self.explanation) ?? decision.message, operation: "get", plugin: input.plugin,
            path: input.path.description, tenant: input.path.repository,
            tee: caller.attestation.primary?.tee.rawValue, session: caller.attestation.id,
            bundleDigest: decision.bundleDigest, trace: decision.json(),
            claims: .object(caller.ledgerClaims(query: input.query)), attestation: caller.attestationRecord)
    }

    func log(_ record: DecisionRecord) {
        logger.info(
            "release decided",
            metadata: [
                "decision": "\(record.id)", "allowed": "\(record.allowed)", "code": "\(record.code)",
                "bundle": "\(record.bundleDigest)",
            ])
    }

    /// Records a request that could not be decided because the stored policies cannot be used.
    func recordUndecided(
        _ input: ReleaseInput, _ caller: Caller, generation: Int64, now: Date
    ) async throws(BrokerError) {
        let code = BrokerError.policiesUnavailable.code
        let id = DecisionRecord.makeID(at: now)
        try await append(
            DecisionRecord(
                id: id, at: now, allowed: false, code: code,
                reason: "The stored policies cannot be used; nothing is released until they can.", operation: "get",
                plugin: input.plugin, path: input.path.description, tenant: input.path.repository,
                tee: caller.attestation.primary?.tee.rawValue, session: caller.attestation.id, bundleDigest: "",
                trace: ["stage": "policies", "generation": .int(generation)],
                claims: .object(caller.ledgerClaims(query: input.query)), attestation: caller.attestationRecord))
        logger.error("release not decided", metadata: ["decision": "\(id)", "code": "\(code)"])
    }

    /// Records an attestation that was not believed, and returns the record's id.
    func recordRefusedAttestation(
        _ refusal: EvidenceRefusal, _ challenge: ChallengeState, now: Date
    ) async throws(BrokerError) -> String {
        if let unavailable = refusal.unavailable { throw unavailable }
        let id = DecisionRecord.makeID(at: now)
        try await append(
            DecisionRecord(
                id: id, at: now, allowed: false, code: refusal.code, reason: refusal.message, operation: "attest",
                plugin: "attest", path: "", tee: challenge.tee.rawValue, bundleDigest: refusal.bundleDigest,
                trace: ["stage": .string(refusal.stage), "protocol": .string(challenge.version.rawValue)]))
        logger.info("attestation refused", metadata: ["decision": "\(id)", "code": "\(refusal.code)"])
        return id
    }

    /// Spends the challenge's nonce and stores the session and what the attestation found out, in one statement.
    func storeSession(
        _ secret: SessionSecret, _ state: SessionState, _ record: AttestationRecord, spending challenge: ChallengeState
    ) async throws(BrokerError) {
        let tolerance = configuration.session.clockTolerance.inSeconds
        do throws(StorageError) {
            try await sessions.open(
                nonceHash: Array(SHA256.hash(data: Array("claviger nonce \(challenge.nonce)".utf8))),
                nonceExpires: challenge.expiresAt.addingTimeInterval(2 * tolerance + 60), sessionHash: secret.hash,
                payload: state.serialized(), subjects: Self.subjects(of: state.attestation), attestation: record,
                expires: state.attestation.expiresAt)
        } catch {
            guard error.code == .conflict else { throw BrokerError(error) }
            throw .attestationRefused(.unauthenticated, code: "nonce_spent")
        }
    }

    func append(_ record: DecisionRecord) async throws(BrokerError) {
        do throws(StorageError) {
            try await decisionLedger.append(record)
        } catch {
            throw notDurable(error)
        }
    }

    func notDurable(_ error: StorageError) -> BrokerError {
        metrics.ledgerFailures.increment()
        logger.error("a decision could not be made durable", metadata: ["reason": "\(error)"])
        return .unavailable("ledger_unavailable", "The decision could not be recorded; try again later")
    }

    private static func explanation(of refusal: String) -> String {
        switch refusal {
        case "protocol_too_old": "The guest attested with an older protocol version than this resource accepts."
        case "key_not_usable": "The key that the guest attested is of a kind that secrets are not sealed to here."
        case "launch_secret_name_invalid": "The query's guid, under which the launch would find the secret, is no GUID."
        default: "The policies allow it, and the stored resource could not be handed over; nothing was charged."
        }
    }
}

extension Caller {
    /// What a decision about a request of his keeps.
    fileprivate func ledgerClaims(query: [String: String]) -> JSONObject {
        guard !query.isEmpty else { return ledgerClaims }
        var claims = ledgerClaims
        claims["query"] = .object(JSONObject(query.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        return claims
    }
}

extension AttestationResult {
    /// What was judged, without the nonce: the ledger holds nothing that anybody could use.
    ///
    /// - Parameter withEvidence: Whether the judgements and the claims are part of it; they need not be when the ledger has
    ///   a record of them.
    func ledgerClaims(withEvidence: Bool = true) -> JSONObject {
        var claims: JSONObject = [
            "issuer": .string(issuer), "token": .string(id),
            "issuedAt": .int(issuedAt.wholeSeconds), "protocol": .optional(protocolVersion),
            "teeKey": .optional(teeKey.flatMap { try? JWKThumbprint.sha256(of: $0) }),
        ]
        guard withEvidence else { return claims }
        for (name, value) in ledgerEvidence() { claims[name] = value }
        return claims
    }

    /// The judgements and what they rest on. What differs with each attestation of one guest is left out, so that they
    /// are kept once.
    func ledgerEvidence() -> JSONObject {
        var submodules = JSONObject()
        for appraisal in appraisals {
            var submodule: JSONObject = [
                "tee": .string(appraisal.tee.rawValue), "status": .string(appraisal.status.rawValue),
                "vector": .object(appraisal.vector.json()),
                "claims": JSONValue.object(appraisal.claims).withoutReportData,
                "initData": appraisal.annotatedEvidence["init_data"] ?? .null,
            ]
            submodule["initDataClaims"] = appraisal.initDataClaims.map { .object($0) }
            submodule["platform"] = appraisal.platformClaims.map { .object($0) }
            submodules[appraisal.name] = .object(submodule)
        }
        return ["submodules": .object(submodules)]
    }
}

extension JSONValue {
    /// The value without the members that the nonce goes into.
    fileprivate var withoutReportData: JSONValue {
        switch self {
        case .object(let members):
            .object(
                JSONObject(members.filter { $0.name != "report_data" }.map { ($0.name, $0.value.withoutReportData) }))
        case .array(let items): .array(items.map(\.withoutReportData))
        default: self
        }
    }
}
