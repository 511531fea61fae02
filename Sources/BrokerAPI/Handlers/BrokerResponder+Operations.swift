import Broker
import KBSProtocol

extension BrokerResponder {
    /// Does what a route is for.
    func perform(_ operation: RouteOperation, _ exchange: Exchange) async throws(BrokerError) -> Answer {
        switch operation {
        case .challenge: try await challenge(exchange)
        case .attest: try await attest(exchange)
        case .readResource: try await readResource(exchange)
        case .writeResource: try await writeResource(exchange)
        case .deleteResource: try await deleteResource(exchange)
        case .writeResourcePolicy: try await writeResourcePolicy(exchange)
        case .listResourcePolicies: .json(.array(try await broker.resourcePolicyIDs().map { .string($0) }))
        case .writeAttestationPolicy: try await writeAttestationPolicy(exchange)
        case .registerReferenceValues: try await registerReferenceValues(exchange)
        case .readReferenceValue: try await readReferenceValue(exchange)
        case .listReferenceValueObject: .json(.object(try await broker.referenceValues()))
        case .keySet: .json(.object(try await broker.keySet()))
        case .health: .empty
        case .readiness: try await readiness()
        case .metrics: Answer(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(metricsText().utf8))
        case .listPolicies: .json(try await broker.policyList())
        case .policyStatus: .json(try await broker.policyStatus())
        case .applyPolicies: try await applyPolicies(exchange)
        case .readPolicy: try await readPolicy(exchange)
        case .deletePolicy: try await deletePolicy(exchange)
        case .policyHistory: try await policyHistory(exchange)
        case .setSourcePolicies: try await setSourcePolicies(exchange)
        case .deleteSource: try await deleteSource(exchange)
        case .listSecrets: .json(try await broker.sourceSecrets(exchange.parameter("source")))
        case .listResources: .json(try await broker.resourceList(prefix: exchange.query["prefix"] ?? ""))
        case .resourceVersions: try await resourceVersions(exchange)
        case .listReferenceValues: .json(try await broker.referenceValueList())
        case .writeReferenceValue: try await writeReferenceValue(exchange)
        case .deleteReferenceValue: try await deleteReferenceValue(exchange)
        case .referenceValueHistory: .json(try await broker.referenceValueHistory(try name(exchange)))
        case .approve: try await approve(exchange)
        case .listApprovals: try await listApprovals(exchange)
        case .revokeApproval: try await revokeApproval(exchange)
        case .resetLimits: try await resetLimits(exchange)
        case .listPlatforms: try await listPlatforms(exchange)
        case .forgetPlatform: try await forgetPlatform(exchange)
        case .collateralStatus: try await collateralStatus(exchange)
        case .fetchCollateral: try await fetchCollateral(exchange)
        case .exportCollateral:
            .json(try await broker.exportCollateral(prefix: exchange.query["prefix"] ?? ""))
        case .importCollateral: .json(try await broker.importCollateral(exchange.body, by: exchange.author))
        case .listDecisions: try await listDecisions(exchange)
        case .readDecision: .json(try await broker.decision(exchange.parameter("id")))
        case .revoke: try await revoke(exchange)
        case .listKeys: .json(try await broker.signingKeyList())
        case .rotateKeys: .json(try await broker.rotateSigningKey(by: exchange.author))
        case .identify: try identify(exchange)
        case .writeSecret: try await writeSecret(exchange)
        case .deleteSecret: try await deleteSecret(exchange)
        case .sealingKeySet: .json(.object(broker.sealingKeySet()))
        case .rotateSealingKey: .json(try await broker.rotateSealingKey(by: exchange.author))
        }
    }
}
