import Encodings
public import RATS

/// What a guest presents: a report and perhaps certificates, in any of the forms that are on the wire.
///
/// * `{"attestation_report": {…}, "cert_chain": null | […]}`, the report field by field: released agents.
/// * `{"report": base64, "cert_table": base64 | null}`: the bytes of the report and of the host's certificate table.
///
/// Either report may stand beside either form of certificates.
struct SNPEvidence {
    /// The most certificates that are looked at.
    static let maximumCertificates = 16
    /// The greatest certificate, in bytes.
    static let maximumCertificateBytes = 8192

    /// The bytes of the report, as signed.
    let report: [UInt8]
    /// The certificate (DER) of each kind of endorsement key that came along. Roots, intermediates and revocation lists
    /// are left alone: only pinned ones and collateral count.
    let endorsementKeys: [SNPEndorsementKeyKind: [UInt8]]

    /// Throws `malformed_evidence`.
    init(_ content: JSONValue) throws(VerificationError) {
        guard case .object(let object) = content else { throw .malformed("SEV-SNP evidence is no JSON object.") }
        report = try Self.report(object)
        endorsementKeys = try Self.endorsementKeys(object)
    }

    /// The bytes of the report, whatever its form. Throws `malformed_evidence`.
    static func report(_ object: JSONObject) throws(VerificationError) -> [UInt8] {
        switch (object["attestation_report"], object["report"]) {
        case (.object(let report)?, nil): return try SNPStructuredReport.bytes(report)
        case (nil, .string(let text)?):
            guard let bytes = try? Base64.decode(text) else { throw .malformed("The report is not canonical base64.") }
            return bytes
        default: throw .malformed("SEV-SNP evidence needs exactly one of attestation_report and report.")
        }
    }

    private static func endorsementKeys(
        _ object: JSONObject
    ) throws(VerificationError) -> [SNPEndorsementKeyKind: [UInt8]] {
        let chain = object["cert_chain"] ?? .null
        let table = object["cert_table"] ?? .null
        switch (chain, table) {
        case (.null, .null): return [:]
        case (.array(let entries), .null): return try endorsementKeys(chain: entries)
        case (.null, .string(let text)):
            guard let bytes = try? Base64.decode(text) else {
                throw .malformed("The table of certificates is not canonical base64.")
            }
            return try SNPCertificateTable(parsing: bytes).endorsementKeys
        default: throw .malformed("SEV-SNP evidence needs certificates in one form, or none.")
        }
    }

    private static func endorsementKeys(
        chain: [JSONValue]
    ) throws(VerificationError) -> [SNPEndorsementKeyKind: [UInt8]] {
        guard chain.count <= maximumCertificates else {
            throw .malformed("The evidence has more than \(maximumCertificates) certificates.")
        }
        var keys: [SNPEndorsementKeyKind: [UInt8]] = [:]
        for entry in chain {
            guard let kind = entry["cert_type"].flatMap(endorsementKeyKind) else { continue }
            guard keys[kind] == nil else { throw .malformed("The evidence has two certificates of one kind.") }
            guard case .array(let values)? = entry["data"], values.count <= maximumCertificateBytes,
                let bytes = entry["data"]?.byteArrayValue
            else { throw .malformed("A certificate of the evidence is no array of bytes.") }
            keys[kind] = bytes
        }
        return keys
    }

    /// The kind that a `cert_type` names: agents before the VLEK called it `{"OTHER": guid}`.
    private static func endorsementKeyKind(_ type: JSONValue) -> SNPEndorsementKeyKind? {
        switch type {
        case "VCEK": return .vcek
        case "VLEK": return .vlek
        case .object(let other):
            return other["OTHER"]?.stringValue.flatMap(SNPCertificateTable.Kind.init)?.endorsementKey
        default: return nil
        }
    }
}

/// The kind of AMD key that signs SEV-SNP reports.
public typealias SNPEndorsementKeyKind = CollateralName.AMDEndorsementKeyKind
