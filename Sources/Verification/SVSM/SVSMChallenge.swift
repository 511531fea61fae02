import Crypto
import Encodings
import RATS

/// The credential of a session: a secret for the virtual TPM that holds both keys which a guest named in its request.
struct SVSMChallenge: Sendable {
    /// The digests of both public areas and the secret, to be kept sealed.
    struct State: Sendable {
        let endorsementKey: [UInt8]
        let attestationKey: [UInt8]
        let secret: [UInt8]

        private static let version: UInt8 = 1

        init(endorsementKey: TPMPublicArea, attestationKey: TPMPublicArea, secret: [UInt8]) {
            self.endorsementKey = Self.digest(endorsementKey)
            self.attestationKey = Self.digest(attestationKey)
            self.secret = secret
        }

        /// Throws `challenge_missing` for a session that had no credential, or one that an older broker made.
        init(_ bytes: [UInt8]?) throws(VerificationError) {
            guard let bytes, bytes.first == Self.version, bytes.count == 97 else {
                throw VerificationError(
                    code: "challenge_missing",
                    message: "No credential was made for this session. Begin a new one with ek_public_area and "
                        + "ak_public_area in its extra-params.")
            }
            endorsementKey = Array(bytes[1..<33])
            attestationKey = Array(bytes[33..<65])
            secret = Array(bytes[65...])
        }

        var bytes: [UInt8] { [Self.version] + endorsementKey + attestationKey + secret }

        static func digest(_ area: TPMPublicArea) -> [UInt8] { Array(SHA256.hash(data: area.bytes)) }
    }

    let credential: TPMCredential
    let state: State

    /// The credential for a guest that sent these parameters; `nil` when they name no keys.
    ///
    /// Throws `malformed_evidence`, `key_not_allowed` and `key_not_restricted`.
    init?(_ parameters: JSONValue?) throws(VerificationError) {
        guard let object = parameters?.objectValue,
            object["ek_public_area"] != nil || object["ak_public_area"] != nil
        else { return nil }
        let endorsementKey = try SVSMManifest.key(SVSMEvidence.bytes(object, "ek_public_area", 1...1024))
        let attestationKey = try SVSMManifest.key(SVSMEvidence.bytes(object, "ak_public_area", 1...1024))
        guard attestationKey.attributes.makeAttestationKey, let name = attestationKey.name else {
            throw VerificationError(
                code: "key_not_restricted",
                message: "The virtual TPM's key may sign forged statements: it is not restricted to what the TPM makes "
                    + "up, or not fixed.")
        }
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes(Array.init)
        credential = try TPMCredential(secret, for: name, to: endorsementKey)
        state = State(endorsementKey: endorsementKey, attestationKey: attestationKey, secret: secret)
    }
}
