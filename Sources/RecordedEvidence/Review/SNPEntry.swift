import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded evidence of SEV-SNP guests.
enum SNPEntry {
    static func examination(
        _ entry: EvidenceManifest.Entry, in folder: EvidenceFolder
    ) throws(RecordedEvidenceError) -> EntryExamination {
        EntryExamination(
            forms: try forms(entry, folder), reportData: entry.claims["report_data"]?.hexBytes,
            careful: OfflineVerifiers.snp(.careful), lenient: OfflineVerifiers.snp(.lenient),
            collateral: try revocationLists(folder),
            readings: readings)
    }

    /// The guest's document, and the raw report with its key's certificate as if a guest had sent that.
    private static func forms(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder
    ) throws(RecordedEvidenceError) -> [Evidence] {
        var forms = try folder.documents(entry, tee: .snp)
        var keys: [JSONValue] = []
        if let file = entry.file("vcek.der") { keys.append(certificate("VCEK", try folder.bytes(file))) }
        if let file = entry.file("vlek.der") { keys.append(certificate("VLEK", try folder.bytes(file))) }
        if let file = entry.file("report.bin") {
            let report = Base64.encode(try folder.bytes(file))
            let content: JSONObject = ["report": .string(report), "cert_chain": .array(keys)]
            forms.append(Evidence(tee: .snp, content: .object(content)))
        }
        return forms
    }

    private static func certificate(_ kind: String, _ der: [UInt8]) -> JSONValue {
        ["cert_type": .string(kind), "data": .array(der.map { .int(Int64($0)) })]
    }

    /// AMD's lists where the folder has them: `snp/crls/milan.crl` and the like.
    static func revocationLists(_ folder: EvidenceFolder) throws(RecordedEvidenceError) -> FixedCollateral {
        var items: [CollateralName: CollateralItem] = [:]
        for product in SNPProduct.allCases.map(\.collateralName) where folder.holds("snp/crls/\(product).crl") {
            let item = CollateralItem(body: try folder.bytes("snp/crls/\(product).crl"))
            for kind in CollateralName.AMDEndorsementKeyKind.allCases {
                guard let name = CollateralName.amdRevocationList(product: product, kind: kind) else { continue }
                items[name] = item
            }
        }
        return FixedCollateral(items)
    }

    private static let readings: [FactReading] = [
        FactReading("version", claim: "version"), FactReading("product", claim: "product"),
        FactReading("key", claim: "vek_type"), FactReading("vmpl", claim: "vmpl"),
        FactReading("debug", claim: "policy_debug_allowed"), FactReading("migrate_ma", claim: "policy_migrate_ma"),
        FactReading("smt_allowed", claim: "policy_smt_allowed"), FactReading("measurement", claim: "measurement"),
        FactReading("report_data", claim: "report_data"), FactReading("host_data", claim: "init_data"),
        FactReading("chip_id", claim: "chip_id"),
        FactReading("policy") { policy($0.claims).map { .string("0x" + String($0, radix: 16)) } },
        FactReading("reported_tcb") { reportedTCB($0.claims) },
        FactReading("vek_not_after") { facts in
            (facts.claims["vek_not_after"]?.stringValue).map { .string(String($0.prefix(10))) }
        },
        FactReading("vek_cn") { $0.chain.first?.subjectCommonName.map(JSONValue.string) },
    ]

    /// The guest policy, put together from the claims about its parts; bit 17 is always set.
    private static func policy(_ claims: JSONObject) -> UInt64? {
        guard let minor = claims["policy_abi_minor"]?.uintValue, let major = claims["policy_abi_major"]?.uintValue
        else { return nil }
        let flags: [(bit: UInt64, claim: String)] = [
            (16, "policy_smt_allowed"), (18, "policy_migrate_ma"), (19, "policy_debug_allowed"),
            (20, "policy_single_socket"),
        ]
        return flags.reduce(minor | major << 8 | 1 << 17) {
            claims[$1.claim]?.boolValue == true ? $0 | 1 << $1.bit : $0
        }
    }

    private static func reportedTCB(_ claims: JSONObject) -> JSONValue {
        let parts = [("fmc", "fmc"), ("bl", "bootloader"), ("tee", "tee"), ("snp", "snp"), ("ucode", "microcode")]
        return .object(
            JSONObject(
                parts.compactMap { part in claims["reported_tcb_\(part.1)"].map { (part.0, $0) } }))
    }
}
