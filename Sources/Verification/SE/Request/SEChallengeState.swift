import RATS

/// What the verifier must know again when the answer to a request arrives. It is kept sealed: whoever has the key can
/// make measurements.
struct SEChallengeState: Sendable {
    /// The key of the measurement, 64 bytes.
    let measurementKey: [UInt8]
    /// The nonce in the request, 16 bytes.
    let nonce: [UInt8]
    /// The hashes of the host keys that the request was made for.
    let hostKeyHashes: [[UInt8]]

    private static let version: UInt8 = 1

    init(measurementKey: [UInt8], nonce: [UInt8], hostKeyHashes: [[UInt8]]) {
        self.measurementKey = measurementKey
        self.nonce = nonce
        self.hostKeyHashes = hostKeyHashes
    }

    var bytes: [UInt8] { [Self.version] + measurementKey + nonce + hostKeyHashes.joined() }

    /// Throws `challenge_missing` for a session that had no request, or one that an older broker made.
    init(_ bytes: [UInt8]?) throws(VerificationError) {
        guard let bytes, bytes.first == Self.version, bytes.count > 81, (bytes.count - 81) % 32 == 0 else {
            throw VerificationError(
                code: "challenge_missing",
                message: "The evidence answers no request that was made for this session. Begin a new session.")
        }
        measurementKey = Array(bytes[1..<65])
        nonce = Array(bytes[65..<81])
        hostKeyHashes = stride(from: 81, to: bytes.count, by: 32).map { Array(bytes[$0..<($0 + 32)]) }
    }
}
