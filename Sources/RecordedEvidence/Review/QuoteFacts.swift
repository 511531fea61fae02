import Encodings
import FoundationEssentials
import Verification

/// The facts of a quote by the names of manifests.
enum QuoteFacts {
    static func comparisons(
        of expected: JSONObject, in quote: QuoteInspection, trailing: Int?
    ) -> [FactComparison] {
        var found = named(quote)
        found["trailing"] = trailing.map { .int(Int64($0)) }
        return found.compactMap { name, value in
            expected[name].map { FactComparison(name: name, expected: $0, found: value) }
        }
    }

    private static func named(_ quote: QuoteInspection) -> JSONObject {
        let isEnclave = quote.tee == .sgx
        let header = isEnclave ? quote.claims["header"] : quote.claims["quote"]?["header"]
        let body = isEnclave ? quote.claims["body"] : quote.claims["quote"]?["body"]
        var facts: JSONObject = [
            "crypto_ok": true, "fmspc": .string(Hex.encode(quote.fmspc)), "pceid": .string(Hex.encode(quote.pceID)),
            "pck_not_after": .string(String(quote.chain.leaf.notAfter.formatted(.iso8601).prefix(10))),
        ]
        facts["pck_ca"] = quote.chain.leaf.issuerCommonName.map(JSONValue.string)
        facts["quote_version"] = header?["version"]?.hexBytes.map { .int(Int64(Self.littleEndian($0))) }
        for name in textNames { facts[name] = body?[name] }
        for name in numberNames { facts[name] = body?[name]?.hexBytes.map { .int(Int64(Self.littleEndian($0))) } }
        facts["tee_tcb_svn"] = body?["tcb_svn"]
        facts["attributes_flags"] = body?["attributes.flags"]
        facts["mrsigner_seam_zero"] = body?["mrsigner_seam"]?.hexBytes.map { .bool($0.allSatisfy { $0 == 0 }) }
        facts["debug"] = isEnclave ? debugFlag(body) : quote.claims["td_attributes"]?["debug"]
        let registers = (0..<4).compactMap { body?["rtmr_\($0)"] }
        if registers.count == 4 { facts["rtmr"] = .array(registers) }
        return facts
    }

    private static let textNames = [
        "mr_seam", "td_attributes", "xfam", "mr_td", "mr_config_id", "mr_owner", "mr_owner_config", "report_data",
        "tee_tcb_svn2", "mr_servicetd", "cpu_svn", "mr_enclave", "mr_signer", "config_id",
    ]
    private static let numberNames = ["isv_prod_id", "isv_svn"]

    /// Bit 1 of the enclave's flags.
    private static func debugFlag(_ body: JSONValue?) -> JSONValue? {
        body?["attributes.flags"]?.hexBytes?.first.map { .bool($0 & 2 != 0) }
    }

    private static func littleEndian(_ bytes: [UInt8]) -> UInt64 {
        bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// How many bytes follow the quote: its signature part begins behind header and body and states its length.
    static func trailing(_ quote: [UInt8]) -> Int? {
        var reader = ByteReader(quote)
        do throws(ByteReaderError) {
            let version = try reader.u16LE()
            try reader.skip(2)
            let type = try reader.u32LE()
            try reader.skip(40)
            if version == 5 {
                try reader.skip(2)
                try reader.skip(Int(try reader.u32LE()))
            } else {
                try reader.skip(type == 0 ? 384 : 584)
            }
            try reader.skip(Int(try reader.u32LE()))
            return reader.remaining
        } catch {
            return nil
        }
    }
}
