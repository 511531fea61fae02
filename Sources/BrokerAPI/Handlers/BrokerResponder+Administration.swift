import Broker
import Encodings
import HTTPTypes

/// The broker's own admin routes.
extension BrokerResponder {
    func applyPolicies(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        guard let text = String(validating: exchange.body, as: UTF8.self) else {
            throw BrokerError(
                kind: .malformed, variant: "ParsePolicyError", code: "not_text", message: "The body is not UTF-8 text")
        }
        let dryRun = try exchange.flag("dryRun") ?? false
        return .json(try await broker.applyPolicies(text, dryRun: dryRun, by: exchange.author))
    }

    func readPolicy(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        .json(try await broker.policy(policyName(exchange)))
    }

    func deletePolicy(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.deletePolicy(policyName(exchange), by: exchange.author)
        return .empty
    }

    func policyHistory(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        .json(try await broker.policyHistory(policyName(exchange)))
    }

    func resourceVersions(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        .json(try await broker.resourceVersions(try resourcePath(exchange)))
    }

    /// `PUT` of `{"value": …, "expires": "<RFC 3339>"}`; without `expires` the value holds for twelve months.
    func writeReferenceValue(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "RvpsError")
        guard let value = request["value"] else {
            throw BrokerError(
                kind: .malformed, variant: "RvpsError", code: "malformed_message", message: "`value` is missing")
        }
        try await broker.putReferenceValue(
            try name(exchange), value: value, expires: request["expires"], by: exchange.author)
        return .empty
    }

    func deleteReferenceValue(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.deleteReferenceValue(try name(exchange), by: exchange.author)
        return .empty
    }

    func listDecisions(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let limit = try exchange.number("limit", in: 1...1_000, default: 100)
        return .json(
            try await broker.decisions(
                limit: limit, tenant: exchange.query["tenant"], path: exchange.query["path"],
                allowed: try exchange.flag("allowed"), before: exchange.query["before"],
                withClaims: try exchange.flag("claims") ?? false))
    }

    /// `POST` of `{"token": "<jti>"}`, `{"teeKey": "<thumbprint>"}`, or `esmOwner`, `esmMachine` or `esmBlob` with a
    /// fingerprint, with an optional `reason`.
    func revoke(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "RevocationError")
        let subjects = RevocationTarget.Kind.allCases.compactMap { kind in
            request[kind.rawValue]?.stringValue.map { RevocationTarget(kind: kind, value: $0) }
        }
        guard subjects.count == 1, let subject = subjects.first, !subject.value.isEmpty else {
            throw BrokerError(
                kind: .malformed, variant: "RevocationError", code: "malformed_message",
                message: "Name exactly one of token, teeKey, esmOwner, esmMachine and esmBlob")
        }
        let reason = request["reason"]?.stringValue ?? ""
        return .json(try await broker.revoke(subject, reason: reason, by: exchange.author))
    }

    func identify(_ exchange: Exchange) throws(BrokerError) -> Answer {
        guard let principal = exchange.principal else { throw .unknownPath }
        return .json([
            "issuer": .string(principal.issuer), "subject": .string(principal.subject), "role": .string(principal.role),
            "expiresAt": .int(Int64(principal.expiresAt.timeIntervalSince1970)),
        ])
    }

    func readiness() async throws(BrokerError) -> Answer {
        let report = await broker.readiness()
        return .json(report.json(), status: report.isReady ? .ok : .serviceUnavailable)
    }

    private func policyName(_ exchange: Exchange) -> PolicyName {
        let namespace = exchange.parameter("namespace")
        return PolicyName(
            kind: exchange.parameter("kind"), namespace: namespace == "-" ? nil : namespace,
            name: exchange.parameter("name"))
    }
}
