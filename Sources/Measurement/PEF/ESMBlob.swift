import Crypto
import Encodings

/// What a secure guest of PEF hands to the Ultravisor when it asks to become one: digests and files under a symmetric key, and
/// lockboxes with this key for machines and people.
public struct ESMBlob: Sendable, Hashable {
    /// The symmetric key, encrypted to one RSA key (OAEP with SHA-256).
    public struct Lockbox: Sendable, Hashable {
        /// SHA-256 of the key that opens it, as PEM.
        public let fingerprint: [UInt8]
        /// What nobody vouches for.
        public let comment: String
        /// The symmetric key, encrypted.
        public let encryptedKey: [UInt8]

        /// A lockbox; the comment is one line.
        public init(fingerprint: [UInt8], comment: String, encryptedKey: [UInt8]) {
            self.fingerprint = fingerprint
            self.comment = comment
            self.encryptedKey = encryptedKey
        }
    }

    /// Something encrypted with the symmetric key (AES-256-GCM).
    struct Sealed: Sendable, Hashable {
        let comment: String
        let ciphertext: [UInt8]
        let nonce: [UInt8]
        let tag: [UInt8]
    }

    /// The lockboxes; the first is its maker's.
    public let lockboxes: [Lockbox]
    let digests: Sealed
    let files: [(name: String, content: Sealed)]

    static let compatible = "ibm,esm"
    static let compatibleFiles = "ibm,esm-file"
    static let digestsName = "digests-fdt"
    /// More lockboxes than any key's owner needs.
    static let maximumLockboxes = 256
    static let maximumFiles = 64

    init(lockboxes: [Lockbox], digests: Sealed, files: [(name: String, content: Sealed)]) {
        self.lockboxes = lockboxes
        self.digests = digests
        self.files = files
    }

    /// The names of the files in it.
    public var fileNames: [String] { files.map(\.name) }

    /// The digests, opened with the symmetric key (32 bytes). Throws `invalid_input` for another key, and
    /// `malformed_image`.
    public func digests(key: SecretBytes) throws(MeasurementError) -> ESMDigests {
        try ESMDigests(FlattenedDeviceTree(parsing: Self.open(digests, key)))
    }

    /// A file, opened with the symmetric key. Throws `invalid_input` for another key, and for a name that no file has.
    public func file(_ name: String, key: SecretBytes) throws(MeasurementError) -> SecretBytes {
        guard let file = files.first(where: { $0.name == name }) else {
            throw MeasurementError(.invalidInput, "No file \(name) is in the blob.")
        }
        return SecretBytes(try Self.open(file.content, key))
    }

    static func malformed(_ reason: String) -> MeasurementError {
        MeasurementError(.malformedImage, "The ESM blob is malformed: \(reason)")
    }

    private static func open(_ sealed: Sealed, _ key: SecretBytes) throws(MeasurementError) -> [UInt8] {
        let key = key.withUnsafeBytes { SymmetricKey(data: $0) }
        guard key.bitCount == 256, let nonce = try? AES.GCM.Nonce(data: sealed.nonce),
            let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: sealed.ciphertext, tag: sealed.tag),
            let plaintext = try? AES.GCM.open(box, using: key)
        else { throw MeasurementError(.invalidInput, "The key does not open the ESM blob, or somebody changed it.") }
        return Array(plaintext)
    }

    static func seal(_ plaintext: [UInt8], _ key: SymmetricKey, comment: String) throws(MeasurementError) -> Sealed {
        // The nonce has the size that the tools of PEF write.
        let random = SymmetricKey(size: .bits128).withUnsafeBytes(Array.init)
        guard let nonce = try? AES.GCM.Nonce(data: random),
            let box = try? AES.GCM.seal(plaintext, using: key, nonce: nonce)
        else { throw MeasurementError(.invalidInput, "Nothing could be encrypted for the blob.") }
        return Sealed(
            comment: comment, ciphertext: Array(box.ciphertext), nonce: Array(box.nonce), tag: Array(box.tag))
    }

    /// Blobs are equal when everything in them is.
    public static func == (left: ESMBlob, right: ESMBlob) -> Bool {
        left.lockboxes == right.lockboxes && left.digests == right.digests
            && left.files.elementsEqual(right.files) { $0.name == $1.name && $0.content == $1.content }
    }

    /// Hashes the lockboxes and the digests.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(lockboxes)
        hasher.combine(digests)
    }
}
