import CEL
import Crypto
import Encodings
import RATS

/// What tells one instance from another when releases are counted: something that hardware says and that nobody makes at
/// will.
///
/// A TEE key is no such thing: a guest makes as many as it likes. So a limit counts by a claim that identifies hardware,
/// unless the policy names another one.
public enum InstanceIdentity {
    /// The claims that identify the hardware behind evidence of a kind, each as a path below `claims.TEE`; empty when none
    /// does, and then a policy has to name something.
    public static func claims(of tee: TEE) -> [[String]] {
        switch tee {
        case .snp, .azSNPvTPM, .svsmVTPM, .sev: [["chip_id"]]
        case .tdx, .azTDXvTPM, .sgx: [["platform_instance_id"]]
        case .cca: [["platform", "cca-platform-implementation-id"], ["platform", "cca-platform-instance-id"]]
        // Not the serial number, which nobody signs: the sender writes what it likes.
        case .csv: [["chip_key_digest"]]
        // AWS names no hardware: this is the parent instance. Each start of an enclave on it gets another module_id.
        case .nitro: [["pcr4"]]
        case .pef: [["machine_key_fingerprint"]]
        // A host gets another cuid for every start of a guest.
        case .se, .tpm, .hygondcu, .nvidia, .nvidiaDPU, .sample, .sampledevice: []
        }
    }

    /// Whether a path that an expression reads is one that a policy may tell instances by.
    static func isStrong(_ path: [String]) -> Bool {
        guard path.count > 2, path[0] == "claims", let tee = TEE(rawValue: path[1]) else { return false }
        let claim = Array(path.dropFirst(2))
        return claims(of: tee).contains(claim) || nameable(of: tee).contains(claim)
    }

    /// The claims beside those of ``claims(of:)`` that a policy may name: other identities of the hardware, and what a guest
    /// was launched with. Registers that a running guest extends, and fields that its owner or host fills in, are none.
    private static func nameable(of tee: TEE) -> [[String]] {
        switch tee {
        case .snp, .azSNPvTPM, .svsmVTPM: [["measurement"]]
        case .pef: [["esm_blob"]]
        case .tdx, .azTDXvTPM: [["quote", "body", "mr_td"]]
        case .sgx: [["body", "mr_enclave"]]
        case .cca: [["realm", "cca-realm-initial-measurement"]]
        case .se: [["attestation_phkh"], ["tag"]]
        case .csv: [["measure"]]
        case .nitro: [["pcr0"], ["pcr3"], ["pcr8"]]
        case .sev: [["launch_digest"]]
        case .hygondcu: [["body", "chip_id"]]
        case .nvidiaDPU: [["device_serial"]]
        // Nothing about it is true: they stand for hardware where policies are tried out.
        case .sample: [["svn"], ["launch_digest"]]
        case .tpm, .nvidia, .sampledevice: []
        }
    }

    /// What evidence says about its hardware, as one identity.
    static func standard(_ primary: Appraisal) -> Result<String, ExpressionFailure> {
        let paths = claims(of: primary.tee)
        guard !paths.isEmpty else {
            return .failure(
                unknown(
                    "Nothing in the evidence of a '\(primary.tee.rawValue)' tells instances apart; "
                        + "name a claim that does in limits.instance."))
        }
        var values: [String] = []
        for path in paths {
            let value = path.reduce(JSONValue.object(primary.claims) as JSONValue?) { $0?[$1] }
            guard let text = value?.stringValue, isUsable(text) else {
                let name = "claims.\(([primary.tee.rawValue] + path).joined(separator: "."))"
                return .failure(unknown("The claim \(name), which tells instances apart, is absent or masked."))
            }
            values.append(text)
        }
        return .success(digest([primary.tee.rawValue] + values))
    }

    /// The identity that a policy's own expression gives.
    static func custom(_ value: CELValue, _ primary: Appraisal) -> Result<String, ExpressionFailure> {
        guard case .string(let text) = value else {
            return .failure(unknown("limits.instance gives a \(value.typeName), not a text."))
        }
        guard isUsable(text) else { return .failure(unknown("limits.instance gives an empty or masked text.")) }
        return .success(digest(["policy", primary.tee.rawValue, text]))
    }

    /// The identity of one guest on an instance: two guests there are two holders, though each makes its key itself, because
    /// a new key only makes one holder more.
    static func holder(_ instance: String, _ attestation: AttestationResult) -> String? {
        guard let key = attestation.teeKey, let canonical = try? JSONValue.object(key).canonical() else { return nil }
        return digest(["holder", instance, String(decoding: canonical, as: UTF8.self)])
    }

    /// Hardware that hides its identity says zero, or nothing.
    private static func isUsable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 4096 && text.utf8.contains { $0 != UInt8(ascii: "0") }
            && (try? Base64.decode(text))?.allSatisfy { $0 == 0 } != true
    }

    /// SHA-256 in lowercase hex over texts, each behind its length.
    private static func digest(_ texts: [String]) -> String {
        var hash = SHA256()
        for text in ["claviger instance"] + texts { hash.update(data: Array("\(text.utf8.count):\(text)".utf8)) }
        return Hex.encode(Array(hash.finalize()))
    }

    static func unknown(_ message: String) -> ExpressionFailure {
        ExpressionFailure(reason: .instanceUnknown, message: message)
    }
}
