public import Encodings

/// The body that a guest of protocol 0.4.0 sends to `/attest`.
public struct AttestationBody: Sendable {
    /// The challenge's nonce.
    public let nonce: String
    /// The guest's public key (JWK).
    public let teeKey: JSONObject
    /// Evidence for the guest itself.
    public let primaryEvidence: JSONValue
    /// The JSON text of all device evidence, or the empty string.
    public let additionalEvidence: String
    /// The init-data document (TOML), when the guest was started with one.
    public let initData: String?

    /// A body made of these parts.
    public init(
        nonce: String, teeKey: JSONObject, primaryEvidence: JSONValue, additionalEvidence: String = "",
        initData: String? = nil
    ) {
        self.nonce = nonce
        self.teeKey = teeKey
        self.primaryEvidence = primaryEvidence
        self.additionalEvidence = additionalEvidence
        self.initData = initData
    }

    /// The JSON text, with members in the order that guests write them; `init-data` is `null` without a document.
    public func serialized() -> [UInt8] {
        let initDataMember: JSONValue =
            initData.map { .object(["format": "toml", "body": .string($0)]) } ?? .null
        return JSONValue.object([
            "init-data": initDataMember,
            "runtime-data": .object(["nonce": .string(nonce), "tee-pubkey": .object(teeKey)]),
            "tee-evidence": .object([
                "primary_evidence": primaryEvidence, "additional_evidence": .string(additionalEvidence),
            ]),
        ]).serialized()
    }
}
