import Encodings
import RATS

/// A part of a platform's version that evidence states and that grows with every security release.
struct TCBComponent: Sendable {
    /// How the claim is written.
    enum Form: Sendable {
        case number
        case decimalText
        /// Hexadecimal digits, lowest byte first, that are one number.
        case littleEndian
        /// Hexadecimal digits, each byte a number of its own.
        case bytes
    }

    /// The name in policies and reference values.
    let name: String
    /// The members that lead to the claim from the TEE's own claims.
    let path: [String]
    let form: Form
    /// The largest number, or the number of bytes.
    let maximum: Int64

    /// The parts that evidence of a TEE states; empty when there is nothing to compare.
    ///
    /// CPUSVN of SGX is left out: Intel defines no order of its bytes, `tcb_status` takes its place. So are the firmware
    /// versions of CCA, which are texts, and the interface versions of CSV, which are the guest's wish, not a fact.
    static func components(of tee: TEE) -> [TCBComponent] {
        switch tee {
        case .snp, .svsmVTPM: snp(.number)
        case .azSNPvTPM: snp(.decimalText)
        case .tdx, .azTDXvTPM:
            [TCBComponent(name: "svn", path: ["quote", "body", "tcb_svn"], form: .bytes, maximum: 16)]
        case .sgx:
            [
                TCBComponent(name: "isvSvn", path: ["body", "isv_svn"], form: .littleEndian, maximum: 65_535),
                TCBComponent(name: "qeSvn", path: ["header", "qe_svn"], form: .littleEndian, maximum: 65_535),
                TCBComponent(name: "pceSvn", path: ["header", "pce_svn"], form: .littleEndian, maximum: 65_535),
            ]
        case .sample: [TCBComponent(name: "svn", path: ["svn"], form: .decimalText, maximum: 65_535)]
        case .cca, .csv, .se, .nitro, .sev, .tpm, .nvidia, .nvidiaDPU, .hygondcu, .sampledevice, .pef: []
        }
    }

    /// The TEEs whose evidence states versions that can be compared.
    static let tees = TEE.allCases.filter { !components(of: $0).isEmpty }

    /// Whether evidence of a TEE states how Intel judges the platform.
    static func statesStatus(_ tee: TEE) -> Bool { [.tdx, .azTDXvTPM, .sgx].contains(tee) }

    private static func snp(_ form: Form) -> [TCBComponent] {
        ["bootloader", "tee", "snp", "microcode", "fmc"].map {
            TCBComponent(name: $0, path: ["reported_tcb_\($0)"], form: form, maximum: 255)
        }
    }

    /// The value of the claim; `nil` when it is absent or has another form.
    func level(_ claim: JSONValue?) -> TCBLevel? {
        switch (form, claim) {
        case (.number, .int(let number)) where (0...maximum).contains(number): .number(number)
        case (.decimalText, .string(let text)): Self.decimal(text).flatMap { $0 <= maximum ? .number($0) : nil }
        case (.littleEndian, .string(let digits)):
            Self.bytes(digits, 2).map { .number(Int64($0[0]) | Int64($0[1]) << 8) }
        case (.bytes, .string(let digits)): Self.bytes(digits, Int(maximum)).map(TCBLevel.bytes)
        default: nil
        }
    }

    /// A least value as a policy or a reference value gives it; `nil` when it is none.
    func floor(_ value: JSONValue) -> TCBLevel? {
        switch (form, value) {
        case (.bytes, .string(let digits)):
            guard let bytes = try? Hex.decode(digits.lowercased()), (1...Int(maximum)).contains(bytes.count) else {
                return nil
            }
            return .bytes(bytes)
        case (.bytes, _): return nil
        case (_, .int(let number)) where (0...maximum).contains(number): return .number(number)
        default: return nil
        }
    }

    /// What a least value looks like.
    var floorForm: String {
        form == .bytes ? "1 to \(maximum) bytes in hex, such as \"0701\"" : "a whole number from 0 to \(maximum)"
    }

    private static func decimal(_ text: String) -> Int64? {
        guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    private static func bytes(_ digits: String, _ count: Int) -> [UInt8]? {
        guard let bytes = try? Hex.decode(digits), bytes.count == count else { return nil }
        return bytes
    }
}
