import Encodings
import RATS

/// The evidence of kind `pef`, about a host: `host_tpm` is evidence of kind `tpm`, `machine_key` the TPMT_PUBLIC of the
/// machine's key, `machine_key_certification` the TPM's word that it holds this key (`message`: TPMS_ATTEST, `signature`:
/// TPMT_SIGNATURE, by the key of the quote; all base64), and `esm_statement` what a blob's owner says of it.
struct PEFEvidence: Sendable {
    let host: TPMEvidence
    let machineKey: TPMPublicArea
    let certification: TPMCertification
    let signature: TPMSignature
    let statement: String?

    init(_ content: JSONValue) throws(VerificationError) {
        guard let object = content.objectValue, let host = object["host_tpm"],
            let certification = object["machine_key_certification"]?.objectValue
        else { throw .malformed("PEF evidence needs host_tpm and machine_key_certification.") }
        self.host = try TPMEvidence(host)
        machineKey = try SVSMManifest.key(SVSMEvidence.bytes(object, "machine_key", 1...1024))
        self.certification = try TPMCertification(parsing: SVSMEvidence.bytes(certification, "message", 1...4096))
        signature = try TPMSignature(parsing: SVSMEvidence.bytes(certification, "signature", 1...4096))
        if let value = object["esm_statement"], !value.isNull {
            guard let text = value.stringValue else { throw .malformed("esm_statement is no text.") }
            statement = text
        } else {
            statement = nil
        }
    }
}
