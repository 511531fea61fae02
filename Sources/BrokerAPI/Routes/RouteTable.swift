import Broker
import HTTPTypes

/// What a route does.
enum RouteOperation: String, Sendable, Hashable, CaseIterable {
    case challenge, attest
    case readResource, writeResource, deleteResource
    case writeResourcePolicy, listResourcePolicies, writeAttestationPolicy
    case registerReferenceValues, readReferenceValue, listReferenceValueObject
    case keySet, health, readiness, metrics
    case listPolicies, policyStatus, applyPolicies, readPolicy, deletePolicy, policyHistory
    case setSourcePolicies, deleteSource
    case listResources, resourceVersions
    case listReferenceValues, writeReferenceValue, deleteReferenceValue
    case listDecisions, readDecision
    case referenceValueHistory, referenceValueUsers
    case importReferenceManifest, listReferenceManifests, listMeasurements
    case approve, listApprovals, revokeApproval, resetLimits
    case listPlatforms, forgetPlatform
    case collateralStatus, fetchCollateral, exportCollateral, importCollateral
    case revoke, listKeys, rotateKeys, identify
    case writeSecret, deleteSecret, listSecrets, sealingKeySet, rotateSealingKey
}

/// All that can be asked of the broker over HTTP, with who may ask it.
enum RouteTable {
    static let routes: [Route] = [
        Route(.post, "/kbs/v0/auth", .limited, .challenge),
        Route(.post, "/kbs/v0/attest", .challenged, .attest),
        Route(.get, "/kbs/v0/resource/{repository}/{type}/{tag}", .attested, .readResource),
        Route(.post, "/kbs/v0/resource/{repository}/{type}/{tag}", .admin, .writeResource),
        Route(.delete, "/kbs/v0/resource/{repository}/{type}/{tag}", .admin, .deleteResource),
        Route(.post, "/kbs/v0/resource-policy", .admin, .writeResourcePolicy),
        Route(.get, "/kbs/v0/resource-policy", .admin, .listResourcePolicies),
        Route(.post, "/kbs/v0/attestation-policy", .admin, .writeAttestationPolicy),
        Route(.post, "/kbs/v0/reference-value", .admin, .registerReferenceValues),
        Route(.get, "/kbs/v0/reference-value", .admin, .listReferenceValueObject),
        Route(.get, "/kbs/v0/reference-value/{name...}", .admin, .readReferenceValue),

        Route(.get, "/.well-known/jwks.json", .open, .keySet),
        Route(.get, "/healthz", .open, .health),
        Route(.get, "/readyz", .open, .readiness),
        Route(.get, "/metrics", .open, .metrics),

        Route(.get, "/claviger/v1/policies", .admin, .listPolicies),
        Route(.post, "/claviger/v1/policies", .admin, .applyPolicies),
        Route(.get, "/claviger/v1/policies/status", .admin, .policyStatus),
        Route(.get, "/claviger/v1/policies/{kind}/{namespace}/{name}", .admin, .readPolicy),
        Route(.delete, "/claviger/v1/policies/{kind}/{namespace}/{name}", .admin, .deletePolicy),
        Route(.get, "/claviger/v1/policies/{kind}/{namespace}/{name}/history", .admin, .policyHistory),
        Route(.put, "/claviger/v1/sources/{source}/policies", .admin, .setSourcePolicies),
        Route(.delete, "/claviger/v1/sources/{source}", .admin, .deleteSource),
        Route(.get, "/claviger/v1/sources/{source}/secrets", .admin, .listSecrets),
        Route(.get, "/claviger/v1/resources", .admin, .listResources),
        Route(.get, "/claviger/v1/resources/{repository}/{type}/{tag}/versions", .admin, .resourceVersions),
        Route(.get, "/claviger/v1/reference-values", .admin, .listReferenceValues),
        Route(.put, "/claviger/v1/reference-values/{name...}", .admin, .writeReferenceValue),
        Route(.delete, "/claviger/v1/reference-values/{name...}", .admin, .deleteReferenceValue),
        Route(.get, "/claviger/v1/reference-value-history/{name...}", .admin, .referenceValueHistory),
        Route(.get, "/claviger/v1/reference-value-users/{name...}", .admin, .referenceValueUsers),
        Route(.post, "/claviger/v1/reference-manifests", .admin, .importReferenceManifest),
        Route(.get, "/claviger/v1/reference-manifests", .admin, .listReferenceManifests),
        Route(.get, "/claviger/v1/measurements", .admin, .listMeasurements),
        Route(.get, "/claviger/v1/decisions", .admin, .listDecisions),
        Route(.get, "/claviger/v1/decisions/{id}", .admin, .readDecision),
        Route(.get, "/claviger/v1/approvals", .admin, .listApprovals),
        Route(.post, "/claviger/v1/approvals", .admin, .approve),
        Route(.delete, "/claviger/v1/approvals/{id}", .admin, .revokeApproval),
        Route(.post, "/claviger/v1/limits/reset", .admin, .resetLimits),
        Route(.get, "/claviger/v1/platforms", .admin, .listPlatforms),
        Route(.post, "/claviger/v1/platforms/forget", .admin, .forgetPlatform),
        Route(.get, "/claviger/v1/collateral", .admin, .collateralStatus),
        Route(.post, "/claviger/v1/collateral/fetch", .admin, .fetchCollateral),
        Route(.get, "/claviger/v1/collateral/export", .admin, .exportCollateral),
        Route(.post, "/claviger/v1/collateral/import", .admin, .importCollateral),
        Route(.post, "/claviger/v1/revocations", .admin, .revoke),
        Route(.get, "/claviger/v1/keys", .admin, .listKeys),
        Route(.post, "/claviger/v1/keys/rotate", .admin, .rotateKeys),
        Route(.get, "/claviger/v1/whoami", .admin, .identify),
        // There is no way to read a value here, for nobody.
        Route(.put, "/claviger/v1/sources/{source}/secrets/{namespace}/{name}", .admin, .writeSecret),
        Route(.delete, "/claviger/v1/sources/{source}/secrets/{namespace}/{name}", .admin, .deleteSecret),
        Route(.get, "/claviger/v1/sealing-keys", .open, .sealingKeySet),
        Route(.post, "/claviger/v1/sealing-keys/rotate", .admin, .rotateSealingKey),
    ]

    private static let byFirstSegment = Dictionary(grouping: routes) { route in
        if case .literal(let text) = route.path.first { text } else { "" }
    }

    /// What became of looking up a request.
    enum Match {
        case found(Route, parameters: [String: String])
        /// The path exists, for these methods.
        case wrongMethod(allowed: [HTTPRequest.Method])
        /// The path has the shape of a resource's and cannot name one.
        case invalidPath
        /// The path names a plugin that is not there.
        case unknownPlugin(String)
        case unknownPath
    }

    static func match(_ method: HTTPRequest.Method, _ target: RequestTarget) -> Match {
        var allowed: [HTTPRequest.Method] = []
        for route in byFirstSegment[target.segments.first ?? ""] ?? [] {
            guard let parameters = route.match(target.segments) else { continue }
            if route.method == method { return .found(route, parameters: parameters) }
            allowed.append(route.method)
        }
        if !allowed.isEmpty { return .wrongMethod(allowed: allowed) }
        guard target.segments.count >= 3, target.segments[0...1] == ["kbs", "v0"] else { return .unknownPath }
        let plugin = target.segments[2]
        if plugin == "resource" { return .invalidPath }
        let builtin: Set = ["auth", "attest", "resource-policy", "attestation-policy", "reference-value"]
        return builtin.contains(plugin) ? .unknownPath : .unknownPlugin(plugin)
    }
}
