import Encodings
import RATS
import X509Trust

/// The evidence of confidential VMs on Azure, in any of its forms.
///
/// Versions 1 and 2 are texts: `version`, `tpm_quote{signature, message, pcrs[24]}` in hexadecimal, `hcl_report` and the
/// processor's part in base64url. What has no version is older: lists of numbers, and the certificate as PEM.
struct AzureEvidence: Sendable {
    /// The names of members, which differ between the kinds.
    struct Form: Sendable {
        /// The member with the processor's part in versions 1 and 2, and before.
        let hardware: String
        /// The members of quote and HCL report before version 1.
        let oldQuote: String
        let oldReport: String

        static let snp = Form(hardware: "vcek", oldQuote: "quote", oldReport: "report")
        static let tdx = Form(hardware: "td_quote", oldQuote: "tpm_quote", oldReport: "hcl_report")
    }

    /// 0, 1 or 2.
    let version: Int64
    let quote: TPMQuote
    /// The HCL report, not parsed yet.
    let report: [UInt8]
    /// The chip's certificate (DER) or the TD quote.
    let hardware: [UInt8]

    init(_ content: JSONValue, form: Form) throws(VerificationError) {
        guard let object = content.objectValue else { throw .malformed("Evidence of Azure is a JSON object.") }
        guard let version = object["version"] else {
            self.version = 0
            quote = try Self.oldQuote(object[form.oldQuote])
            report = try Self.numbers(object[form.oldReport], form.oldReport)
            hardware = try Self.oldHardware(object[form.hardware], form.hardware)
            return
        }
        guard let number = version.intValue, (1...2).contains(number) else {
            throw .unsupportedVersion("Evidence of Azure has the version 1 or 2, or none.")
        }
        self.version = number
        quote = try Self.quote(object["tpm_quote"])
        report = try Self.urlText(object["hcl_report"], "hcl_report")
        hardware = try Self.urlText(object[form.hardware], form.hardware)
    }

    private static func quote(_ value: JSONValue?) throws(VerificationError) -> TPMQuote {
        guard let object = value?.objectValue,
            let signature = object["signature"]?.stringValue.flatMap({ try? Hex.decode($0) }),
            let message = object["message"]?.stringValue.flatMap({ try? Hex.decode($0) })
        else { throw .malformed("tpm_quote has no signature and message in hexadecimal.") }
        return try quote(message, signature, object["pcrs"])
    }

    private static func oldQuote(_ value: JSONValue?) throws(VerificationError) -> TPMQuote {
        guard let object = value?.objectValue, let signature = object["signature"]?.byteArrayValue,
            let message = object["message"]?.byteArrayValue
        else { throw .malformed("The quote has no signature and message as lists of numbers.") }
        return try quote(message, signature, object["pcrs"])
    }

    /// The virtual TPM's key signs with RSASSA and SHA-256, so that guests send the signature's number alone.
    private static func quote(
        _ message: [UInt8], _ signature: [UInt8], _ registers: JSONValue?
    ) throws(VerificationError) -> TPMQuote {
        TPMQuote(
            attestation: try TPMAttestation(parsing: message),
            signature: TPMSignature(scheme: .rsassa(signature), hash: TCGHash.sha256.rawValue),
            registers: try TPMRegisters.decoded(registers))
    }

    private static func oldHardware(_ value: JSONValue?, _ name: String) throws(VerificationError) -> [UInt8] {
        guard let pem = value?.stringValue else { return try numbers(value, name) }
        guard pem.utf8.count <= 65_536, let certificate = (try? Certificate.all(pem: pem))?.first else {
            throw .malformed("\(name) is no certificate in PEM.")
        }
        return certificate.der
    }

    private static func numbers(_ value: JSONValue?, _ name: String) throws(VerificationError) -> [UInt8] {
        guard let bytes = value?.byteArrayValue else { throw .malformed("\(name) is no list of bytes.") }
        return bytes
    }

    /// Base64url as guests write it, filled up with `=`, and as it is usual, without.
    private static func urlText(_ value: JSONValue?, _ name: String) throws(VerificationError) -> [UInt8] {
        guard let text = value?.stringValue else { throw .malformed("\(name) is no text.") }
        let isFilled = text.utf8.count % 4 == 0
        let bare =
            isFilled && text.hasSuffix("==")
            ? text.dropLast(2) : isFilled && text.hasSuffix("=") ? text.dropLast() : text[...]
        guard let bytes = try? Base64.decodeURL(String(bare)) else { throw .malformed("\(name) is no base64url text.") }
        return bytes
    }
}
