import Crypto
import Encodings
import FoundationEssentials
import RATS

/// A request that asks the ultravisors of certain machines to measure a guest: an attestation request control block.
///
/// The key of the measurement and the nonce are sealed for those machines; nobody else learns them.
package struct SEAttestationRequest: Sendable {
    /// What a request is made of, all of it secret but the initialisation vector.
    package struct Secrets: Sendable {
        /// The key of the measurement, 64 bytes.
        package var measurementKey: [UInt8]
        /// The nonce, 16 bytes.
        package var nonce: [UInt8]
        /// The key that the two are sealed with, 32 bytes.
        package var protectionKey: [UInt8]
        /// The initialisation vector, 12 bytes.
        package var vector: [UInt8]
        /// The key that is agreed with, one for each request.
        package var customerKey: P521.KeyAgreement.PrivateKey

        /// Fresh ones.
        package static func generate() -> Secrets {
            func random(_ bytes: Int) -> [UInt8] {
                SymmetricKey(size: SymmetricKeySize(bitCount: 8 * bytes)).withUnsafeBytes { Array($0) }
            }
            return Secrets(
                measurementKey: random(64), nonce: random(16), protectionKey: random(32), vector: random(12),
                customerKey: P521.KeyAgreement.PrivateKey())
        }

        package init(
            measurementKey: [UInt8], nonce: [UInt8], protectionKey: [UInt8], vector: [UInt8],
            customerKey: P521.KeyAgreement.PrivateKey
        ) {
            self.measurementKey = measurementKey
            self.nonce = nonce
            self.protectionKey = protectionKey
            self.vector = vector
            self.customerKey = customerKey
        }
    }

    /// The whole block.
    package let block: [UInt8]

    /// What is asked for: a nonce in the measurement, and the hashes of the keys that opened image and request.
    static let flags: UInt64 = 0x7000_0000_0000_0000
    /// How long the answers to these are: a measurement by HMAC-SHA-512, and two hashes.
    static let (measurementSize, additionalSize) = (64, 64)
    private static let slotBytes = 80
    private static let fixedBytes = 224

    /// A request for these machines.
    ///
    /// Throws `request_failed`, which an elliptic curve or cipher that is missing gives.
    package init(for hosts: [SEHostKey], _ secrets: Secrets) throws(VerificationError) {
        let content = secrets.measurementKey + secrets.nonce
        var block = Self.head(hosts.count, content: content.count, vector: secrets.vector)
        block += SEPoint.bytes(of: secrets.customerKey.publicKey)
        do {
            for host in hosts { block += try Self.slot(for: host, secrets) }
            // Everything that can be read is authenticated, so that nobody changes what is asked for.
            let sealed = try AES.GCM.seal(
                content, using: SymmetricKey(data: secrets.protectionKey),
                nonce: AES.GCM.Nonce(data: secrets.vector), authenticating: block)
            self.block = block + sealed.ciphertext + sealed.tag
        } catch {
            throw VerificationError(code: "request_failed", message: "No request for the ultravisor could be made.")
        }
    }

    private static func head(_ slots: Int, content: Int, vector: [UInt8]) -> [UInt8] {
        let size = fixedBytes + slots * slotBytes + content + 16
        var head = [UInt8](repeating: 0, count: 8)
        head += bigEndian(UInt32(0x100)) + bigEndian(UInt32(size)) + vector
        head += [UInt8](repeating: 0, count: 11) + [UInt8(truncatingIfNeeded: slots)] + bigEndian(UInt32(0))
        head += bigEndian(UInt32(content)) + bigEndian(flags) + bigEndian(UInt32(1)) + bigEndian(UInt32(0))
        return head
    }

    /// The protection key, sealed for one machine. The wrapping key is used once, so that its vector may be zero.
    private static func slot(for host: SEHostKey, _ secrets: Secrets) throws -> [UInt8] {
        let key = try wrappingKey(secrets.customerKey, host.key)
        let sealed = try AES.GCM.seal(
            secrets.protectionKey, using: key, nonce: AES.GCM.Nonce(data: [UInt8](repeating: 0, count: 12)))
        return host.hash + sealed.ciphertext + sealed.tag
    }

    /// SHA-256 over the agreed x-coordinate (66 bytes) and a counter of one (ANSI X9.63).
    package static func wrappingKey(
        _ own: P521.KeyAgreement.PrivateKey, _ other: P521.KeyAgreement.PublicKey
    ) throws -> SymmetricKey {
        let agreed = try own.sharedSecretFromKeyAgreement(with: other)
        var hash = SHA256()
        agreed.withUnsafeBytes { hash.update(bufferPointer: $0) }
        hash.update(data: [0, 0, 0, 1] as [UInt8])
        return SymmetricKey(data: hash.finalize())
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
