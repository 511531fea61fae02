import Encodings
import RATS

/// The evidence of kind `svsm-vtpm`; bytes are base64.
///
/// `svsm_report`, `manifest` and `nonce` come from the SVSM (Linux hands out report and manifest through configfs-tsm),
/// `vcek` or `vlek` is the certificate of the processor's key, `tpm_quote` the virtual TPM's with a TPMT_SIGNATURE,
/// `ak_public_area` its key's TPMT_PUBLIC, `ak_name_proof` the activated credential (`secret`), and `eventlog` the
/// firmware's log.
struct SVSMEvidence: Sendable {
    let report: [UInt8]
    let manifest: [UInt8]
    /// What the SVSM was asked with, 64 bytes.
    let nonce: [UInt8]
    let endorsementKeys: [SNPEndorsementKeyKind: [UInt8]]
    let quote: TPMQuote
    let attestationKey: TPMPublicArea
    let secret: [UInt8]
    let eventLog: EventLog?

    init(_ content: JSONValue) throws(VerificationError) {
        guard let object = content.objectValue, let quote = object["tpm_quote"]?.objectValue,
            let proof = object["ak_name_proof"]?.objectValue
        else { throw .malformed("Evidence of an SVSM needs tpm_quote and ak_name_proof.") }
        report = try Self.bytes(object, "svsm_report", 1184...1184)
        manifest = try Self.bytes(object, "manifest", 1...65_536)
        nonce = try Self.bytes(object, "nonce", 64...64)
        endorsementKeys = try Self.endorsementKeys(object)
        self.quote = TPMQuote(
            attestation: try TPMAttestation(parsing: Self.bytes(quote, "message", 1...4096)),
            signature: try TPMSignature(parsing: Self.bytes(quote, "signature", 1...4096)),
            registers: try TPMRegisters.decoded(quote["pcrs"]))
        attestationKey = try SVSMManifest.key(Self.bytes(object, "ak_public_area", 1...1024))
        secret = try Self.bytes(proof, "secret", 1...64)
        eventLog =
            if let log = try Self.optionalBytes(object, "eventlog", 1...2_097_152) { try EventLog.parse(log) } else {
                nil
            }
    }

    private static func endorsementKeys(
        _ object: JSONObject
    ) throws(VerificationError) -> [SNPEndorsementKeyKind: [UInt8]] {
        var keys: [SNPEndorsementKeyKind: [UInt8]] = [:]
        for kind in SNPEndorsementKeyKind.allCases {
            if let der = try optionalBytes(object, kind.rawValue, 1...16_384) { keys[kind] = der }
        }
        return keys
    }

    static func bytes(
        _ object: JSONObject, _ name: String, _ sizes: ClosedRange<Int>
    ) throws(VerificationError) -> [UInt8] {
        guard let bytes = try optionalBytes(object, name, sizes) else { throw .malformed("\(name) is missing.") }
        return bytes
    }

    private static func optionalBytes(
        _ object: JSONObject, _ name: String, _ sizes: ClosedRange<Int>
    ) throws(VerificationError) -> [UInt8]? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.stringValue, text.utf8.count <= 2 * sizes.upperBound + 4,
            let bytes = try? Base64.decode(text), sizes.contains(bytes.count)
        else { throw .malformed("\(name) is no base64 text, or has a size that it must not have.") }
        return bytes
    }
}
