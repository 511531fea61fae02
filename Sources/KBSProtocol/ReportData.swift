public import Encodings

/// The digests that evidence must carry in its report data, so that it is bound to a nonce and a TEE key.
public enum ReportData {
    /// The digest over the canonical JSON (RFC 8785) of nonce and TEE key, and of the additional evidence when given.
    ///
    /// Primary evidence of 0.3.0 and later passes `additionalEvidence` exactly as sent, even when it is empty; devices
    /// and primary evidence of older versions pass `nil`. Throws `malformed_message` when the key has no canonical
    /// form.
    public static func digest(
        nonce: String, teeKey: JSONObject, additionalEvidence: String?, hash: HashAlgorithm = .sha384
    ) throws(KBSProtocolError) -> [UInt8] {
        hash.digest(
            of: try preimage(runtimeData(nonce: nonce, teeKey: teeKey, additionalEvidence: additionalEvidence)))
    }

    /// The document that ``digest(nonce:teeKey:additionalEvidence:hash:)`` covers, before canonicalisation.
    public static func runtimeData(nonce: String, teeKey: JSONObject, additionalEvidence: String?) -> JSONObject {
        var object = JSONObject()
        if let additionalEvidence { object["additional-evidence"] = .string(additionalEvidence) }
        object["nonce"] = .string(nonce)
        object["tee-pubkey"] = .object(teeKey)
        return object
    }

    /// The digest that guests before guest-components v0.9 used: over the texts of nonce, modulus and exponent, one
    /// after the other. Where one text ends is not covered, so both key texts must have one possible length.
    static func concatenated(nonce: String, modulus: String, exponent: String, hash: HashAlgorithm) -> [UInt8] {
        hash.digest(of: Array(nonce.utf8) + Array(modulus.utf8) + Array(exponent.utf8))
    }

    private static func preimage(_ document: JSONObject) throws(KBSProtocolError) -> [UInt8] {
        do {
            return try JSONValue.object(document).canonical()
        } catch {
            throw .malformed("The runtime data has no canonical form: \(error.message)")
        }
    }
}
