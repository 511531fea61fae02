import Encodings
import RATS

/// Where the evidence of one TEE says how a flag or number of the posture stands.
struct PostureStatement: Sendable {
    /// How the claim is read.
    enum Reading: Sendable {
        /// A boolean that must have this value.
        case boolean(Bool)
        /// The text `true` or `false`, which must be this.
        case booleanText(Bool)
        /// A number that must be this one.
        case number(Int64)
        /// A number within these bounds.
        case range(ClosedRange<Int64>)
        /// A bit, counted from the lowest of the first byte, that must not be set.
        case clearBit(Int)
    }

    /// The members that lead to the claim from the TEE's own claims.
    let path: [String]
    let reading: Reading

    /// What the evidence of a TEE says about a flag; `nil` when nothing in it does.
    static func of(_ flag: PostureFlag, _ tee: TEE) -> PostureStatement? {
        switch flag {
        case .debug: debug(tee)
        case .smt: smt(tee)
        case .migration: migration(tee)
        case .singleSocket: singleSocket(tee)
        }
    }

    /// The TEEs whose evidence says something about a flag.
    static func tees(of flag: PostureFlag) -> [TEE] {
        TEE.allCases.filter { of(flag, $0) != nil }
    }

    private static func debug(_ tee: TEE) -> PostureStatement? {
        switch tee {
        case .snp, .svsmVTPM: PostureStatement(path: ["policy_debug_allowed"], reading: .boolean(false))
        case .azSNPvTPM: PostureStatement(path: ["policy_debug_allowed"], reading: .booleanText(false))
        case .tdx, .azTDXvTPM: PostureStatement(path: ["td_attributes", "debug"], reading: .boolean(false))
        case .sgx: PostureStatement(path: ["body", "attributes.flags"], reading: .clearBit(1))
        // Realms have no switch of their own: it is the machine that can be open for debugging.
        case .cca:
            PostureStatement(path: ["platform", "cca-platform-lifecycle"], reading: .range(0x3000...0x30FF))
        case .csv: PostureStatement(path: ["policy", "nodbg"], reading: .number(1))
        case .sev: PostureStatement(path: ["policy", "nodbg"], reading: .boolean(true))
        case .sample, .nitro: PostureStatement(path: ["debug"], reading: .boolean(false))
        case .se, .tpm, .nvidia, .nvidiaDPU, .hygondcu, .sampledevice, .pef: nil
        }
    }

    private static func smt(_ tee: TEE) -> PostureStatement? {
        switch tee {
        case .snp, .svsmVTPM: PostureStatement(path: ["platform_smt_enabled"], reading: .boolean(false))
        case .azSNPvTPM: PostureStatement(path: ["platform_smt_enabled"], reading: .booleanText(false))
        case .tdx, .azTDXvTPM, .sgx: PostureStatement(path: ["is_smt_enabled"], reading: .boolean(false))
        default: nil
        }
    }

    private static func migration(_ tee: TEE) -> PostureStatement? {
        switch tee {
        case .snp, .svsmVTPM: PostureStatement(path: ["policy_migrate_ma"], reading: .boolean(false))
        case .azSNPvTPM: PostureStatement(path: ["policy_migrate_ma"], reading: .booleanText(false))
        case .tdx, .azTDXvTPM: PostureStatement(path: ["quote", "body", "td_attributes"], reading: .clearBit(29))
        case .csv: PostureStatement(path: ["policy", "nosend"], reading: .number(1))
        case .sev: PostureStatement(path: ["policy", "nosend"], reading: .boolean(true))
        default: nil
        }
    }

    private static func singleSocket(_ tee: TEE) -> PostureStatement? {
        switch tee {
        case .snp, .svsmVTPM: PostureStatement(path: ["policy_single_socket"], reading: .boolean(true))
        case .azSNPvTPM: PostureStatement(path: ["policy_single_socket"], reading: .booleanText(true))
        default: nil
        }
    }

    /// Where the evidence of a TEE says which privilege level asked for it.
    static func privilegeLevel(_ tee: TEE) -> TCBComponent? {
        switch tee {
        case .snp, .svsmVTPM: TCBComponent(name: "vmpl", path: ["vmpl"], form: .number, maximum: 3)
        case .azSNPvTPM: TCBComponent(name: "vmpl", path: ["vmpl"], form: .decimalText, maximum: 3)
        default: nil
        }
    }

    /// Whether the claim has the required value; `nil` when it is absent, or no statement that we understand.
    func holds(_ claim: JSONValue?) -> Bool? {
        switch (reading, claim) {
        case (.boolean(let wanted), .bool(let found)): wanted == found
        case (.booleanText(let wanted), .string(let text)):
            switch text {
            case "true": wanted
            case "false": !wanted
            default: nil
            }
        case (.number(let wanted), .int(let found)): wanted == found
        case (.range(let accepted), .int(let found)): accepted.contains(found)
        case (.clearBit(let bit), .string(let digits)): Self.bit(bit, in: digits).map { !$0 }
        default: nil
        }
    }

    private static func bit(_ bit: Int, in digits: String) -> Bool? {
        guard let bytes = try? Hex.decode(digits), bytes.count == 8 else { return nil }
        return bytes[bit / 8] & (1 << (bit % 8)) != 0
    }
}
