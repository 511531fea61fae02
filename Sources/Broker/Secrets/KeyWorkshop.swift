import Encodings
import Policy
import Processes

/// Makes generated values. Keys that take long are made one at a time on a thread of their own: the pool's threads are there for
/// releases, and there are only as many as cores.
actor KeyWorkshop {
    typealias Maker = @Sendable (GeneratedSecret) throws(BrokerError) -> SecretBytes

    private let maker: Maker
    /// Ends with the key that was asked for last, and does not hold it.
    private var last: Task<Void, Never>?

    init(maker: @escaping Maker) { self.maker = maker }

    /// A fresh value.
    ///
    /// - Throws: `internalFailure` when the system cannot make a key, or grants no thread for it.
    func make(_ secret: GeneratedSecret) async throws(BrokerError) -> SecretBytes {
        guard secret.takesLong else { return try maker(secret) }
        let (before, maker) = (last, maker)
        let task = Task {
            await before?.value
            return await Self.onThread { () throws(BrokerError) in try maker(secret) }
        }
        last = Task { _ = await task.value }
        return try await task.value.get()
    }

    private static func onThread(
        _ body: @escaping @Sendable () throws(BrokerError) -> SecretBytes
    ) async -> Result<SecretBytes, BrokerError> {
        await withCheckedContinuation { continuation in
            do throws(ProcessError) {
                try DetachedThread.start("claviger-keys") {
                    continuation.resume(returning: Result { () throws(BrokerError) in try body() })
                }
            } catch {
                continuation.resume(
                    returning: .failure(.internalFailure("key_generation_failed", "A key could not be made")))
            }
        }
    }
}

extension GeneratedSecret {
    /// Whether a value is the work of a noticeable part of a second.
    fileprivate var takesLong: Bool { kind == .rsa3072 }
}
