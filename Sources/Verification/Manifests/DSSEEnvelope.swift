import Encodings
import X509Trust

/// An envelope of Dead Simple Signing (DSSE 1.0.2), not to be believed before ``signer(among:)``.
struct DSSEEnvelope {
    /// The type of payload that is taken.
    static let payloadType = "application/vnd.in-toto+json"
    private static let maximumSignatures = 16

    /// What was signed, as it was signed.
    let payload: [UInt8]
    private let signatures: [[UInt8]]

    init(parsing bytes: [UInt8]) throws(ManifestError) {
        guard let object = try? JSONObject(parsing: bytes), let text = object["payload"]?.stringValue,
            let payload = try? Base64.decodeLenient(text)
        else { throw .malformed("It is no DSSE envelope: JSON with a payload in base64.") }
        guard object["payloadType"] == .string(Self.payloadType) else {
            throw .malformed("What is signed is no in-toto statement.")
        }
        guard let list = object["signatures"]?.arrayValue, !list.isEmpty else {
            throw ManifestError("unsigned_manifest", "Nobody signed it.")
        }
        guard list.count <= Self.maximumSignatures else {
            throw .malformed("It has more than \(Self.maximumSignatures) signatures.")
        }
        var signatures: [[UInt8]] = []
        for entry in list {
            guard let text = entry["sig"]?.stringValue, let bytes = try? Base64.decodeLenient(text) else {
                throw .malformed("A signature is not in base64.")
            }
            signatures.append(bytes)
        }
        self.payload = payload
        self.signatures = signatures
    }

    /// The first of these keys whose signature is there. What a signature says of its key is not looked at.
    func signer(among keys: [PublicKey]) throws(ManifestError) -> PublicKey {
        let input = Self.signingInput(payload)
        for key in keys {
            let algorithms = key.manifestAlgorithms
            for signature in signatures
            where algorithms.contains(where: { key.isValid(signature: signature, over: input, $0) }) { return key }
        }
        throw .untrusted("No key that may sign for this signer signed it.")
    }

    /// The bytes that are signed: type and payload with their lengths before them.
    static func signingInput(_ payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }
}

extension PublicKey {
    /// How a key of this kind signs envelopes.
    var manifestAlgorithms: [SignatureAlgorithm] {
        switch kind {
        case .ec(.p256): [.ecdsa(.sha256)]
        case .ec(.p384): [.ecdsa(.sha384), .ecdsa(.sha256)]
        case .ec(.p521): [.ecdsa(.sha512)]
        case .rsa: [.rsaPSS(.sha256), .rsaPKCS1(.sha256)]
        case .sm2, .other: []
        }
    }
}
