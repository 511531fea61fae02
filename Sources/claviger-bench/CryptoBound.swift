import Encodings
import FoundationEssentials
import JOSE

/// How often one core can do the cryptography of a resource fetch and nothing else.
///
/// A fetch by session cookie with a P-256 key needs one JWE: an ephemeral key, ECDH, key wrap and AES-GCM. The bound is
/// what a server that does no other work could reach. It is taken as the runs are: in processor time, and with all cores
/// busy.
enum CryptoBound {
    static func fetchesPerSecond(secretBytes: Int, seconds: Int) async throws -> Double {
        let recipient = try JWERecipient(jwk: try JWEPrivateKey.generate(.ecP256).publicJWK)
        let secret = SecretBytes(Array(repeating: 7, count: secretBytes))
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in 0..<cores {
                group.addTask { try rate(of: recipient, secret, end: .now + .seconds(seconds)) }
            }
            return try await group.reduce(0, +) / Double(cores)
        }
    }

    /// Encryptions per second of this thread's processor time; does not suspend, so it stays on one thread.
    private static func rate(
        of recipient: JWERecipient, _ secret: SecretBytes, end: ContinuousClock.Instant
    ) throws -> Double {
        let start = ThreadTime.seconds
        var count = 0
        while ContinuousClock.now < end {
            _ = try recipient.encrypt(secret)
            count += 1
        }
        return Double(count) / (ThreadTime.seconds - start)
    }
}
