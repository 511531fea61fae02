public import Encodings

/// A launch that secrets can be handed to in place of a key that a guest made: keys that the verifier gave to one platform for
/// one start of a guest, and what that platform measured.
public struct LaunchRecipient: Sendable, Hashable {
    /// The key that secrets are encrypted with, 16 bytes.
    public let encryptionKey: SecretBytes
    /// The key that secrets are authenticated with, 16 bytes.
    public let integrityKey: SecretBytes
    /// The measure of the launch, 32 bytes, which every packet is bound to.
    public let measure: [UInt8]

    /// A launch with these keys and this measure.
    public init(encryptionKey: SecretBytes, integrityKey: SecretBytes, measure: [UInt8]) {
        self.encryptionKey = encryptionKey
        self.integrityKey = integrityKey
        self.measure = measure
    }

    /// Hashes the measure, which tells launches apart; the keys stay where they are.
    public func hash(into hasher: inout Hasher) { hasher.combine(measure) }
}
