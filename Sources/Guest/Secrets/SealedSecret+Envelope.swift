import Crypto
public import Encodings
import FoundationEssentials

extension SealedSecret.Envelope {
    /// The wrapping that is written: AES-256-GCM with a nonce of 12 bytes, the tag behind the ciphertext.
    static let wrapTypeAES256GCM = "A256GCM"
    /// Bytes of a data key.
    public static let dataKeySize = 32

    /// Encrypts a value under a data key, with a fresh nonce.
    ///
    /// - Parameters:
    ///   - dataKey: 32 bytes, used for this value only.
    ///   - encryptedKey: the same key as the provider encrypted it.
    ///   - keyID: the provider's name of the key that it encrypted it with.
    /// - Throws: `GuestError` with `invalid_request`.
    public init(
        sealing value: SecretBytes, dataKey: SecretBytes, encryptedKey: [UInt8], keyID: String
    ) throws(GuestError) {
        let key = try Self.key(dataKey)
        do {
            let box = try value.withUnsafeBytes { try AES.GCM.seal($0, using: key) }
            self.init(
                keyID: keyID, encryptedKey: Base64.encode(encryptedKey),
                encryptedData: Base64.encode(Array(box.ciphertext) + Array(box.tag)), wrapType: Self.wrapTypeAES256GCM,
                iv: Base64.encode(Array(box.nonce)))
        } catch {
            throw GuestError(.invalidRequest, "The value cannot be encrypted.")
        }
    }

    /// Decrypts the value with the data key that the provider decrypted.
    ///
    /// - Throws: `GuestError` with `invalid_request` for a key of another size, `invalid_sealed_secret` for another wrapping
    ///   than `A256GCM` and what is no base64, `undecryptable` when the key does not fit.
    public func open(dataKey: SecretBytes) throws(GuestError) -> SecretBytes {
        let key = try Self.key(dataKey)
        guard wrapType == Self.wrapTypeAES256GCM else {
            throw .invalidSecret("its wrapping is \(wrapType.printable), not A256GCM")
        }
        guard let nonce = try? Base64.decode(iv), let data = try? Base64.decode(encryptedData), nonce.count == 12,
            data.count >= 16
        else { throw .invalidSecret("its nonce or its data is not base64, or too short") }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce), ciphertext: data.dropLast(16), tag: data.suffix(16))
            return SecretBytes([UInt8](try AES.GCM.open(box, using: key)))
        } catch {
            throw GuestError(.undecryptable, "The data key does not open the sealed secret's envelope.")
        }
    }

    private static func key(_ bytes: SecretBytes) throws(GuestError) -> SymmetricKey {
        guard bytes.count == dataKeySize else {
            throw GuestError(.invalidRequest, "A data key has \(dataKeySize) bytes, not \(bytes.count).")
        }
        return bytes.withUnsafeBytes { SymmetricKey(data: $0) }
    }
}
