import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

/// Requests and evidence as a sample attester gives them, at a time that never changes.
enum Fixture {
    static let now = Date(timeIntervalSince1970: 1_760_426_134)

    static let sampleClaims: JSONObject = [
        "svn": "1", "launch_digest": "abcde", "platform_version": ["major": 1, "minor": 4], "debug": false,
        "report_data": "0YeC690i0z4DztevPboW8pW75nFXm0Jsrceh086PS4W8FKKzwZ1Ox5fqk0sNlaOu",
    ]

    static let sampleReferences = ReferenceValues([
        "svn": ["1"], "launch_digest": ["abcde"], "major_version": 1, "minimum_minor_version": 1,
    ])

    static let runtimeData: JSONValue = [
        "nonce": "ESPeob7e1qyY2YFbJSOCGwz6TdrNgQ54QKGaLV+kmxM=", "tee-pubkey": ["kty": "EC"],
    ]

    static func input(
        _ tee: TEE = .sample, _ claims: JSONObject = sampleClaims, initData: JSONValue? = nil,
        policyID: String = "default"
    ) -> AppraisalInput {
        AppraisalInput(
            claims: EvidenceClaims(tee: tee, claims: claims, matchedReportData: 0), runtimeDataClaims: runtimeData,
            initDataClaims: initData, policyID: policyID)
    }

    static func appraisal(
        _ name: String = "cpu0", tee: TEE = .sample, deviceClass: DeviceClass = .cpu,
        vector: [TrustClaim: Int8] = [.executables: 3, .hardware: 2, .configuration: 2],
        claims: JSONObject = sampleClaims, initData: JSONValue? = nil
    ) -> Appraisal {
        Appraisal(
            name: name, tee: tee, deviceClass: deviceClass, vector: TrustVector(vector), policyID: "default",
            annotatedEvidence: annotatedEvidence(
                claims: claims, initDataClaims: initData, runtimeDataClaims: runtimeData, tee: tee))
    }

    static func attestation(
        _ appraisals: [Appraisal] = [appraisal()], age: TimeInterval = 5, protocolVersion: String? = "0.4.0"
    ) -> AttestationResult {
        AttestationResult(
            issuer: "claviger", audience: nil, id: "1", issuedAt: now - age, notBefore: nil, expiresAt: now + 300,
            verifierDeveloper: "claviger", verifierBuild: "test", appraisals: appraisals,
            protocolVersion: protocolVersion)
    }

    static func request(
        _ path: String = "payments/image-key/app", operation: String = "get", plugin: String = "resource",
        attestation: AttestationResult = attestation(), traces: [AppraisalTrace] = []
    ) -> ReleaseRequest {
        ReleaseRequest(
            operation: operation, plugin: plugin, path: path.split(separator: "/").map(String.init),
            attestation: attestation, appraisals: traces, now: now)
    }

    /// A release policy in the namespace `payments` with this body below `spec`, indented by two spaces.
    static func release(_ spec: String, name: String = "image-keys", namespace: String = "payments") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata:
          name: \(name)
          namespace: \(namespace)
        spec:
        \(spec)
        """
    }

    static func clusterRelease(_ spec: String, name: String = "all") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: \(name)
        spec:
        \(spec)
        """
    }

    static func bundle(_ yaml: String..., registered: ReferenceValues = ReferenceValues()) throws -> PolicyBundle {
        try PolicyBundle(
            PolicyParser.parse(yaml.joined(separator: "\n---\n"), source: "test.yaml"), registered: registered)
    }

    /// Decides the usual request under one policy with these validations.
    static func decide(
        validation: String, request: ReleaseRequest = request(), registered: ReferenceValues = ReferenceValues()
    ) throws -> Decision {
        let policy = release(
            """
              match: {resources: ["payments/**"]}
              validations:
                - expression: >-
                    \(validation)
            """)
        return try bundle(policy, registered: registered).decide(request)
    }

    static func diagnostics(_ yaml: String) -> [PolicyDiagnostic] {
        do {
            _ = try PolicyParser.parse(yaml, source: "policy.yaml")
            return []
        } catch {
            return error.diagnostics
        }
    }

    /// A file of the folder Policies.
    static func readyPolicy(_ name: String) throws -> String {
        try String(contentsOf: policiesFolder.appending(path: name), encoding: .utf8)
    }

    static var policiesFolder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Policies")
    }
}
