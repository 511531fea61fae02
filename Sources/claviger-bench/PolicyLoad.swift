import Encodings
import FoundationEssentials
import Policy
import RATS

/// Policies and requests of many tenants.
enum PolicyLoad {
    /// One simple release policy for each tenant.
    static func policies(_ count: Int) -> String {
        (0..<count).map { number in
            """
            apiVersion: claviger.dev/v1alpha1
            kind: ReleasePolicy
            metadata: {name: image-keys, namespace: tenant-\(number)}
            spec:
              match: {resources: ["tenant-\(number)/image-key/*"]}
              require:
                tees: [snp]
                trust: {hardware: affirming}
              validations:
                - {expression: "claims.snp.policy_debug_allowed == false", message: "debug guests get nothing"}
            """
        }.joined(separator: "\n---\n")
    }

    /// A request to each tenant, of one guest that all of them allow.
    static func requests(_ count: Int) throws -> [ReleaseRequest] {
        let now = Date()
        let attestation = AttestationResult(
            issuer: "claviger", audience: nil, id: "bench", issuedAt: now, notBefore: nil,
            expiresAt: now.addingTimeInterval(300), verifierDeveloper: "claviger", verifierBuild: "bench",
            appraisals: [appraisal()], protocolVersion: "0.4.0")
        let subject = ReleaseSubject(attestation)
        return (0..<count).map { number in
            ReleaseRequest(
                operation: "get", path: ["tenant-\(number)", "image-key", "app"], subject: subject, now: now)
        }
    }

    private static func appraisal() -> Appraisal {
        let claims: JSONObject = [
            "measurement": .string(String(repeating: "5e", count: 48)),
            "chip_id": .string(String(repeating: "a1", count: 64)),
            "platform_smt_enabled": true, "platform_tsme_enabled": false, "policy_abi_major": 0, "policy_abi_minor": 0,
            "policy_debug_allowed": false, "policy_migrate_ma": false, "policy_single_socket": false,
            "policy_smt_allowed": true, "reported_tcb_bootloader": 4, "reported_tcb_microcode": 213,
            "reported_tcb_snp": 22, "reported_tcb_tee": 0,
        ]
        return Appraisal(
            name: "cpu0", tee: .snp, deviceClass: .cpu, vector: TrustVector([.executables: 3, .hardware: 2]),
            policyID: "default",
            annotatedEvidence: [
                "snp": .object(claims), "init_data": "", "report_data": .string(String(repeating: "07", count: 64)),
            ])
    }
}
