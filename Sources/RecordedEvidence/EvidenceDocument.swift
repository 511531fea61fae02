import Encodings
public import RATS

/// Evidence from a file, in any of the forms in which people have it.
public enum EvidenceDocument {
    /// The greatest size of a file with evidence, in bytes.
    public static let maximumSize = 4 * 1024 * 1024

    /// The evidence in a file: the JSON document of a guest, a raw SEV-SNP report, or a raw SGX or TDX quote.
    ///
    /// Nothing is believed. The kind is `tee`, or what the form tells when `tee` is `nil`.
    /// Throws `unknown_form` for anything else.
    public static func evidence(_ bytes: [UInt8], tee: TEE? = nil) throws(RecordedEvidenceError) -> Evidence {
        guard bytes.count <= maximumSize else { throw unknown("it is larger than \(maximumSize) bytes.") }
        if let form = RawForm(bytes) {
            guard tee == nil || tee == form.tee else {
                throw unknown("it is raw evidence of the kind \(form.tee.rawValue).")
            }
            return Evidence(tee: form.tee, content: form.content(bytes))
        }
        guard let content = try? JSONValue(parsing: bytes), let object = content.objectValue else {
            throw unknown("it is neither a JSON object nor a raw report or quote.")
        }
        guard let found = tee ?? kind(of: object) else {
            throw unknown("its members are those of no kind that is known here; name the kind.")
        }
        return Evidence(tee: found, content: content)
    }

    /// The kind of a guest's evidence by the members that only this kind has.
    private static func kind(of object: JSONObject) -> TEE? {
        if object["hcl_report"] != nil { return object["td_quote"] != nil ? .azTDXvTPM : .azSNPvTPM }
        if object["vcek"] != nil, object["quote"]?.objectValue != nil { return .azSNPvTPM }
        if object["serial_number"] != nil, object["cert_chain"] != nil { return .csv }
        if object["attestation_report"] != nil || object["report"]?.stringValue != nil { return .snp }
        if object["device_evidence_list"] != nil { return .nvidia }
        if object["machine_key_certification"] != nil { return .pef }
        if object["attestation_reports"]?.arrayValue != nil { return .hygondcu }
        if object["svsm_report"] != nil { return .svsmVTPM }
        if object["token"] != nil { return .cca }
        if object["document"]?.stringValue != nil { return .nitro }
        if object["measurement"] != nil, object["cuid"] != nil { return .se }
        if object["measure"] != nil, object["mnonce"] != nil { return .sev }
        if object["ak_public"] != nil, object["tpm_quote"] != nil { return .tpm }
        if object["svn"] != nil, object["report_data"] != nil { return .sample }
        guard let quote = object["quote"]?.stringValue.flatMap({ try? Base64.decode($0) }) else { return nil }
        return RawForm(quote)?.tee
    }

    private static func unknown(_ reason: String) -> RecordedEvidenceError {
        RecordedEvidenceError(code: "unknown_form", message: "The file holds no evidence in a known form: \(reason)")
    }
}

/// Evidence as the hardware wrote it, without a document around it.
private enum RawForm {
    case report
    case quote(TEE)

    /// The form that the first bytes show: a report begins with its version and has its size, a quote begins with its
    /// version, the type of its key and the type of its TEE (little-endian).
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let version = try? reader.u16LE(), let keyType = try? reader.u16LE(), let type = try? reader.u32LE()
        else { return nil }
        switch (version, keyType, type) {
        case (2...15, 0, _) where bytes.count == 1184: self = .report
        case (3...5, 2...3, 0): self = .quote(.sgx)
        case (4...5, 2...3, 0x81): self = .quote(.tdx)
        default: return nil
        }
    }

    var tee: TEE {
        switch self {
        case .report: .snp
        case .quote(let tee): tee
        }
    }

    /// The document that a guest would have put around the bytes.
    func content(_ bytes: [UInt8]) -> JSONValue {
        switch self {
        case .report: ["report": .string(Base64.encode(bytes))]
        case .quote: ["quote": .string(Base64.encode(bytes))]
        }
    }
}
