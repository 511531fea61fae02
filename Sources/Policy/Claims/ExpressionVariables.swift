import Encodings
import RATS

/// What expressions may use beside the claims of a TEE: the variables of release and appraisal policies.
public enum ExpressionVariables {
    /// What stands beside the TEE's own claims in the annotated evidence (kbs-protocol 4.2).
    public static let besideClaims: [Claim] = [
        Claim(
            "init_data", .text, .sometimes,
            example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            from: "the field of the evidence that carries it: HOST_DATA, MRCONFIGID, CONFIGID, PCR 8, …",
            "Digest of the init-data that the guest was started with, as the hardware states it: hex, for the sample attester base64."
        ),
        Claim(
            "init_data_claims", .anything, .sometimes,
            example: ["agent_policy_claims": ["containers": []], "aa.toml": [:]],
            from: "the init-data document itself, after its digest was compared",
            "The init-data, parsed; its members are its author's. Null when the guest sent no document."),
        Claim(
            "report_data", .text, .sometimes,
            example: .string(
                "7c71fe2c86eff65a7cf8dbc22b3275689fd0464a267baced1bf94fc1324656ae"
                    + "b755da3d44d098c0c87382f3a5f85b45c8a28fee1d3bdb38342bf96671501429"),
            from: "the field of the evidence that the guest chooses: REPORT_DATA, quote nonce, challenge, …",
            "What the guest had signed: the digest over the runtime data. Hex, for the sample attester base64."),
        Claim(
            "runtime_data_claims", .open(runtimeData), .sometimes,
            from: "the request of the guest, after its digest was compared with report_data",
            "What that digest covers, as far as it has structure; null otherwise."),
        Claim(
            "platform", .object(platform), .additional,
            from: "this broker's memory of the machine, shared by all its replicas",
            "What the broker remembers of the machine beneath the guest. Absent where the evidence names no machine (a VLEK's report with a masked chip identifier, evidence of Azure below version 2, TPMs, devices); in appraisal policies the variable is there, and empty."
        ),
    ]

    private static let platform: [Claim] = [
        Claim(
            "id", .hex(32), example: "8a1c6f0e5b3d4c2f9e7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e",
            from: "a digest of the chip identifier (AMD) or of the PPID (Intel)",
            "Names the machine in claviger platforms, and in the ledger."),
        Claim(
            "tcb_rollback", .boolean, example: false,
            from:
                "the security versions in the evidence, compared with the highest that this machine was accepted with",
            "Whether any part of the machine's firmware is older than it has been before."),
        Claim(
            "tcb_rollback_from", .map(.integer(upTo: .max)), example: ["reported_tcb_snp": 23],
            from: "the memory of the machine",
            "The parts that are older now, each with the security version that it had before; empty when there is none."
        ),
    ]

    private static let runtimeData: [Claim] = [
        Claim(
            "nonce", .base64(nil), .sometimes, example: "ESPeob7e1qyY2YFbJSOCGwz6TdrNgQ54QKGaLV+kmxM=",
            from: "runtime data, nonce", "The broker's challenge."),
        Claim(
            "tee-pubkey", .anything, .sometimes, example: ["kty": "EC", "crv": "P-256", "x": "…", "y": "…"],
            from: "runtime data, tee-pubkey", "The guest's key, that everything released is sealed to (a JWK)."),
        Claim(
            "additional-evidence", .text, .sometimes, example: "", from: "runtime data, additional-evidence",
            "The evidence of devices, as the guest sent it."),
    ]

    private static let tee = Claim(
        "tee", .word(TEE.allCases.map(\.rawValue)), example: "snp", from: "the evidence", "The kind of guest.")
    private static let deviceClass = Claim(
        "class", .word(DeviceClass.allCases.map(\.rawValue)), example: "cpu", from: "the verifier",
        "The class of the guest or device.")
    private static let status = Claim(
        "status", .word(["none", "affirming", "warning", "contraindicated"]), example: "affirming",
        from: "the appraisal: its worst grade", "How the appraisal found it.")
    private static let trust = Claim(
        "trust",
        .object(
            TrustClaim.allCases.map { claim in
                Claim(
                    claim.rawValue, .grade, .sometimes, example: 2, from: "the appraisal policy",
                    "The grade of \(claim.rawValue): 2 to 31 affirming, 32 to 95 warning, 96 and above contraindicated."
                )
            }), from: "the appraisal", "The eight AR4SI grades; one that was not given is absent.")
    private static let now = Claim(
        "now", .timestamp, example: "2026-11-21T08:00:00Z", from: "the broker's clock", "The present time.")

    /// The variables of release policies; `claims` holds those of the given TEEs.
    static func release(tees: [TEE]) -> [Claim] {
        [
            tee, status, trust,
            Claim(
                "claims", .object(annotated(tees)), from: "the verified evidence",
                "The claims of the confidential VM or enclave, under the name of its TEE."),
            submodules, request, attestation, now,
        ]
    }

    /// The variables of release policies that select no TEE.
    public static let release = release(tees: TEE.allCases)

    /// What to list of them beside the claims of the TEEs: what every submodule repeats is left out.
    public static let listed: [ClaimRow] = {
        let variables = release.filter { $0.name != "claims" }.rows.filter { row in
            !["submods[].claims.", "submods[].claims[", "submods[].trust.", "submods[].trust["].contains {
                row.path.hasPrefix($0)
            }
        }
        return variables + besideClaims.rows(after: "claims")
    }()

    /// The variables of appraisal policies beside `claims`.
    public static let appraisal = [tee, deviceClass, now] + besideClaims

    /// Everything in the annotated evidence of a submodule whose TEE is one of these.
    static func annotated(_ tees: [TEE]) -> [Claim] {
        besideClaims
            + tees.map { tee in
                let family = ClaimFamily.of(tee)
                return Claim(
                    tee.rawValue, .object(family.claims), .sometimes, from: "the verifier",
                    "The claims of \(family.title).")
            }
    }

    private static let submodules = Claim(
        "submods",
        .map(
            .object([
                tee, deviceClass, status, trust,
                Claim(
                    "claims", .object(annotated(TEE.allCases)), from: "the verified evidence",
                    "The claims of this part, under the name of its TEE."),
            ])), example: [:], from: "the attestation result, submods",
        "Every part that was attested, by name: cpu0 is the VM itself, gpu0, gpu1, … are devices.")

    private static let request = Claim(
        "request",
        .object([
            Claim("operation", .text, example: "get", from: "the request", "What is asked for."),
            Claim("plugin", .text, example: "resource", from: "the request", "Which plugin is asked."),
            Claim(
                "path", .list(.text), example: ["payments", "image-key", "app"], from: "the request",
                "The path, segment by segment."),
            Claim("query", .map(.text), example: ["version": "2"], from: "the request", "The query, by name."),
            Claim("tenant", .text, example: "payments", from: "the request", "The first segment of the path."),
            Claim("resource", .text, example: "payments/image-key/app", from: "the request", "The path as one text."),
        ]), from: "the request", "What is asked for.")

    private static let attestation = Claim(
        "attestation",
        .object([
            Claim("issuer", .text, example: "claviger", from: "the attestation result, iss", "Who attested the guest."),
            Claim(
                "age", .duration, .sometimes, example: "5s", from: "the attestation result, iat",
                "How long ago that was; absent when it is dated into the future."),
            Claim(
                "protocol", .text, .sometimes, example: "0.4.0", from: "the session",
                "With which version of the KBS protocol; absent when it is not known."),
        ]), from: "the attestation result", "How and when the guest was attested.")
}
