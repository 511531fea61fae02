import Encodings
import RATS
import X509Trust

/// The evidence of kind `tpm`: a quote over all registers, and the key that signed it.
///
/// Guests of Confidential Containers send `ak_public` and `tpm_quote`. Ours may add `ak_certificates` (base64 of DER,
/// that of the key first, as its TPM stores it), `ak_public_area` (base64 of TPMT_PUBLIC) and `eventlog` (base64 of the
/// firmware's log).
struct TPMEvidence: Sendable {
    /// The greatest number of certificates.
    private static let maximumCertificates = 8
    /// The largest certificate buffer of known TPMs is 4096 bytes.
    private static let maximumCertificateSize = 16_384

    /// The key as sent, base64 of SubjectPublicKeyInfo.
    let keyText: String
    let key: PublicKey
    let quote: TPMQuote
    let certificates: [[UInt8]]
    let publicArea: TPMPublicArea?
    let eventLog: EventLog?

    init(_ content: JSONValue) throws(VerificationError) {
        guard let object = content.objectValue, let quote = object["tpm_quote"]?.objectValue,
            let keyText = object["ak_public"]?.stringValue
        else { throw .malformed("TPM evidence needs tpm_quote and ak_public.") }
        self.keyText = keyText
        let spki = try Self.decoded(keyText, "ak_public")
        do throws(X509Error) {
            key = try PublicKey(spki: spki)
        } catch {
            throw .malformed("The TPM's key cannot be read. \(error.message)")
        }
        self.quote = TPMQuote(
            attestation: try TPMAttestation(parsing: Self.bytes(quote, "message")),
            signature: try TPMSignature(parsing: Self.bytes(quote, "signature")),
            registers: try TPMRegisters.decoded(quote["pcrs"]))
        certificates = try Self.certificates(object["ak_certificates"])
        publicArea = try Self.optional(object, "ak_public_area").map { (bytes) throws(VerificationError) in
            try TPMPublicArea(parsing: bytes)
        }
        eventLog = try Self.optional(object, "eventlog").map { (bytes) throws(VerificationError) in
            try EventLog.parse(bytes)
        }
    }

    private static func certificates(_ value: JSONValue?) throws(VerificationError) -> [[UInt8]] {
        guard let value, !value.isNull else { return [] }
        guard let texts = value.arrayValue, texts.count <= maximumCertificates else {
            throw .malformed("ak_certificates is no list of at most \(maximumCertificates) certificates.")
        }
        var certificates: [[UInt8]] = []
        for text in texts {
            let bytes = try decoded(text.stringValue, "ak_certificates")
            guard bytes.count <= maximumCertificateSize else { throw .malformed("A certificate is too large.") }
            certificates.append(bytes)
        }
        return certificates
    }

    private static func optional(_ object: JSONObject, _ name: String) throws(VerificationError) -> [UInt8]? {
        guard let value = object[name], !value.isNull else { return nil }
        return try decoded(value.stringValue, name)
    }

    private static func bytes(_ object: JSONObject, _ name: String) throws(VerificationError) -> [UInt8] {
        try decoded(object[name]?.stringValue, name)
    }

    private static func decoded(_ text: String?, _ name: String) throws(VerificationError) -> [UInt8] {
        guard let text, let bytes = try? Base64.decode(text) else { throw .malformed("\(name) is no base64 text.") }
        return bytes
    }
}

/// The values of registers in JSON.
enum TPMRegisters {
    /// How many registers a PC's TPM has.
    static let count = 24

    /// All values of a bank: texts of hexadecimal digits, or lists of numbers as older guests on Azure send them.
    ///
    /// Throws `malformed_evidence` unless there are 24.
    static func decoded(_ value: JSONValue?) throws(VerificationError) -> [[UInt8]] {
        guard let values = value?.arrayValue, values.count == count else {
            throw .malformed("There are no values of \(count) registers.")
        }
        var registers: [[UInt8]] = []
        for value in values {
            guard let bytes = value.stringValue.flatMap({ try? Hex.decode($0) }) ?? value.byteArrayValue else {
                throw .malformed("The value of a register cannot be read.")
            }
            registers.append(bytes)
        }
        return registers
    }
}
