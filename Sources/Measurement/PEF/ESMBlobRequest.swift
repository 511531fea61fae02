import Crypto
import Encodings
public import X509Trust

/// What an ESM blob is made of.
public struct ESMBlobRequest: Sendable {
    /// A key that is to open the blob.
    public struct Recipient: Sendable {
        /// The RSA key.
        public let key: PublicKey
        /// A line about it that nobody vouches for.
        public let comment: String

        /// A recipient; a comment of several lines is refused when the blob is made.
        public init(_ key: PublicKey, comment: String = "") {
            self.key = key
            self.comment = comment
        }

        /// SHA-256 of the key as PEM, which is how machines look for their lockbox.
        public var fingerprint: [UInt8] { Array(SHA256.hash(data: Array(key.pem.utf8))) }
    }

    /// Its maker's own key, which can open it again.
    public var origin: Recipient
    /// The machines on which the guest may run.
    public var machines: [Recipient]
    /// What the guest starts with.
    public var digests: ESMDigests
    /// Files that the guest gets once it runs, such as the passphrase of its disk.
    public var files: [(name: String, content: SecretBytes)] = []

    /// A blob without files.
    public init(origin: Recipient, machines: [Recipient], digests: ESMDigests) {
        self.origin = origin
        self.machines = machines
        self.digests = digests
    }

    private static let maximumFileSize = 1 << 20

    /// The blob, under a new symmetric key.
    ///
    /// Throws `invalid_input` for keys that are not RSA of 2048 to 8192 bits, two of one kind, comments of several lines, and
    /// names of files that are none.
    public func blob() throws(MeasurementError) -> ESMBlob {
        let recipients = [origin] + machines
        guard recipients.count <= ESMBlob.maximumLockboxes, files.count <= ESMBlob.maximumFiles,
            Set(recipients.map(\.fingerprint)).count == recipients.count,
            Set(files.map(\.name)).count == files.count
        else { throw MeasurementError(.invalidInput, "A key or a file is named twice, or there are too many.") }
        let key = SymmetricKey(size: .bits256)
        var lockboxes: [ESMBlob.Lockbox] = []
        for recipient in recipients { lockboxes.append(try Self.lockbox(for: recipient, key)) }
        var sealed: [(name: String, content: ESMBlob.Sealed)] = []
        for file in files {
            let name = Array(file.name.utf8)
            guard let first = name.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), name.count <= 31,
                FlattenedDeviceTree.isName(name), file.content.count <= Self.maximumFileSize
            else {
                throw MeasurementError(
                    .invalidInput, "\(file.name) is no name of a file in a blob, or the file is larger than 1 MiB.")
            }
            let content = file.content.withUnsafeBytes { Array($0) }
            sealed.append((file.name, try ESMBlob.seal(content, key, comment: "")))
        }
        return ESMBlob(
            lockboxes: lockboxes, digests: try ESMBlob.seal(digests.tree.serialized(), key, comment: ""), files: sealed)
    }

    private static func lockbox(
        for recipient: Recipient, _ key: SymmetricKey
    ) throws(MeasurementError) -> ESMBlob.Lockbox {
        guard !recipient.comment.utf8.contains(where: { $0 < 0x20 }), recipient.comment.utf8.count <= 256 else {
            throw MeasurementError(.invalidInput, "A comment has one line of at most 256 bytes.")
        }
        do throws(X509Error) {
            return ESMBlob.Lockbox(
                fingerprint: recipient.fingerprint, comment: recipient.comment,
                encryptedKey: try recipient.key.encryptOAEP(key.withUnsafeBytes(Array.init), hash: .sha256))
        } catch {
            throw MeasurementError(.invalidInput, "A key cannot have a lockbox. \(error.message)")
        }
    }
}
