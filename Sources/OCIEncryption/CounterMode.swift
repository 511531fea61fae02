import Crypto
import CryptoExtras
import FoundationEssentials

/// AES-256 in counter mode over a stream that arrives in chunks of any size.
///
/// The whole 16-byte nonce is the first counter block and counts as one 128-bit big-endian number (NIST SP 800-38A).
struct CounterMode {
    private let key: SymmetricKey
    private var counter: UInt128
    /// How many bytes of the current counter's key stream block are used up.
    private var offset = 0

    init(key: SymmetricKey, nonce: [UInt8]) throws {
        guard nonce.count == 16 else {
            throw ImageEncryptionError(.invalidKey, "the layer's nonce has \(nonce.count) bytes, not 16")
        }
        self.key = key
        counter = nonce.reduce(0) { ($0 << 8) | UInt128($1) }
    }

    /// Encrypts or decrypts the next bytes of the stream: the same operation both ways.
    mutating func apply(_ chunk: [UInt8]) throws -> [UInt8] {
        guard !chunk.isEmpty else { return [] }
        let block = (0..<16).map { UInt8(truncatingIfNeeded: counter >> UInt128(120 - 8 * $0)) }
        let nonce = try AES._CTR.Nonce(nonceBytes: block)
        let input = offset == 0 ? chunk : [UInt8](repeating: 0, count: offset) + chunk
        let output = try AES._CTR.encrypt(input, using: key, nonce: nonce)
        counter &+= UInt128(input.count / 16)
        let used = offset
        offset = input.count % 16
        return [UInt8](output.dropFirst(used))
    }
}
