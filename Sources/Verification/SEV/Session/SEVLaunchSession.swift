import Crypto
package import Encodings
package import RATS

/// What a guest's owner gives a platform so that it starts a guest under his policy and can prove what it started (Secure
/// Encrypted Virtualization API, section 6.2): his certificate and the session with wrapped keys.
package struct SEVLaunchSession: Sendable {
    /// What a session is made of; each is used once.
    package struct Secrets: Sendable {
        /// Encrypts packets of secrets (TEK), 16 bytes.
        package var encryptionKey: [UInt8]
        /// Authenticates policy, launch and packets (TIK), 16 bytes.
        package var integrityKey: [UInt8]
        /// The nonce, 16 bytes.
        package var nonce: [UInt8]
        /// The first counter block, 16 bytes.
        package var vector: [UInt8]
        /// The owner's key.
        package var ownerKey: P384.KeyAgreement.PrivateKey

        /// Fresh ones.
        package static func generate() -> Secrets {
            Secrets(
                encryptionKey: SEVKeys.random(16), integrityKey: SEVKeys.random(16), nonce: SEVKeys.random(16),
                vector: SEVKeys.random(16), ownerKey: P384.KeyAgreement.PrivateKey())
        }
    }

    /// The owner's certificate (GODH), 2084 bytes.
    package let certificate: [UInt8]
    package let nonce: [UInt8]
    package let wrappedKeys: [UInt8]
    package let vector: [UInt8]
    package let wrapCode: [UInt8]
    package let policyCode: [UInt8]
    package let policy: SEVGuestPolicy

    /// A session for the platform with this key (4, x and y of P-384).
    ///
    /// Throws `request_failed`, which an elliptic curve or cipher that is missing gives.
    package init(
        policy: SEVGuestPolicy, platformKey: [UInt8], _ secrets: Secrets
    ) throws(VerificationError) {
        self.policy = policy
        nonce = secrets.nonce
        vector = secrets.vector
        do {
            let peer = try P384.KeyAgreement.PublicKey(x963Representation: platformKey)
            let agreed = try secrets.ownerKey.sharedSecretFromKeyAgreement(with: peer)
            let keys = SEVKeys.Agreed(secret: agreed.withUnsafeBytes { Array($0) }, nonce: nonce)
            wrappedKeys = try SEVKeys.counterMode(
                secrets.encryptionKey + secrets.integrityKey, key: keys.encryption, vector: vector)
            wrapCode = SEVKeys.code(wrappedKeys, key: keys.integrity)
        } catch {
            throw VerificationError(code: "request_failed", message: "No session with the platform could be made.")
        }
        policyCode = SEVKeys.code(policy.bytes, key: secrets.integrityKey)
        certificate = Self.certificate(of: secrets.ownerKey.publicKey)
    }

    /// The session as firmware and hypervisors take it, 128 bytes.
    package var blob: [UInt8] { nonce + wrappedKeys + vector + wrapCode + policyCode }

    /// The members that a KBS client of this kind looks for below `start`.
    package var json: JSONValue {
        [
            "policy": [
                "flags": ["bits": .int(Int64(policy.rawValue & 0xFFFF))],
                "minfw": [
                    "major": .int(Int64(policy.minimumAPI.major)), "minor": .int(Int64(policy.minimumAPI.minor)),
                ],
            ],
            "cert": Self.list(certificate),
            "session": [
                "nonce": Self.list(nonce), "wrap_tk": Self.list(wrappedKeys), "wrap_iv": Self.list(vector),
                "wrap_mac": Self.list(wrapCode), "policy_mac": Self.list(policyCode),
            ],
        ]
    }

    static func list(_ bytes: [UInt8]) -> JSONValue { .array(bytes.map { .int(Int64($0)) }) }

    /// A certificate for key agreement that nobody signed: the platform takes whichever it is given.
    private static func certificate(of key: P384.KeyAgreement.PublicKey) -> [UInt8] {
        let point = Array(key.x963Representation)
        let gap = [UInt8](repeating: 0, count: 24)
        let (x, y) = (point[1..<49].reversed() + gap, point[49...].reversed() + gap)
        var bytes = SEVNumbers.littleEndian(UInt32(1)) + [0, 0, 0, 0]
        bytes += SEVNumbers.littleEndian(SEVKeyUsage.session.rawValue) + SEVNumbers.littleEndian(UInt32(3))
        bytes += SEVNumbers.littleEndian(UInt32(2)) + x + y
        bytes += [UInt8](repeating: 0, count: SEVCertificate.signedByteCount - bytes.count)
        for _ in 0..<2 {
            bytes += SEVNumbers.littleEndian(SEVKeyUsage.none.rawValue)
            bytes += [UInt8](repeating: 0, count: 4 + SEVCertificate.signatureByteCount)
        }
        return bytes
    }
}
