import Crypto
import Encodings
import FoundationEssentials

/// AES-256-GCM over this target's byte types: nonce (12 bytes), ciphertext, tag (16 bytes).
enum AuthenticatedEncryption {
    static let overhead = 28

    /// The nonce is random; callers see to it that a key is used for one message, so it could not repeat anyway.
    static func seal(
        _ plaintext: UnsafeRawBufferPointer, under key: SymmetricKey, binding context: BoundContext
    ) throws(StorageError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(plaintext, using: key, authenticating: context.bytes)
            guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
            return Array(combined)
        } catch {
            throw .internal("a value could not be encrypted")
        }
    }

    static func open(
        _ sealed: some Collection<UInt8>, under key: SymmetricKey, binding context: BoundContext
    ) throws(StorageError) -> SecretBytes {
        do {
            let box = try AES.GCM.SealedBox(combined: Data(sealed))
            var plaintext = try AES.GCM.open(box, using: key, authenticating: context.bytes)
            defer { plaintext.resetBytes(in: 0..<plaintext.count) }
            return plaintext.withUnsafeBytes { SecretBytes(copying: $0) }
        } catch {
            throw .corrupt("stored bytes do not decrypt under the name they were found at")
        }
    }
}
