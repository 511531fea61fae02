import Guest
import ServiceLifecycle

/// Renews the attestation token before it ends.
struct TokenService: Service {
    let client: KBSClient

    func run() async throws {
        await cancelWhenGracefulShutdown { await client.keepTokenFresh() }
        try? await gracefulShutdown()
    }
}
