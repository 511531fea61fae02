import Encodings
import Foundation
import HTTPServing
import Hummingbird
import HummingbirdCore
import JOSE
import KBSProtocol
import Logging
import RATS
import Synchronization

/// A key broker that follows a script, on an ephemeral port: it checks the guest's binding, counts, and records.
///
/// It knows the sample TEE only, never checks signatures, and speaks plain http.
package final class FakeKBS: Sendable {
    /// A request as it arrived.
    package struct Recorded: Sendable {
        package let method: String
        package let target: String
        package let headers: [String: String]
        package let body: [UInt8]
    }

    /// A scripted answer.
    package struct Answer: Sendable {
        package var status: Int
        package var body: [UInt8]
        package var headers: [String: String]

        package init(_ status: Int, _ body: [UInt8] = [], headers: [String: String] = [:]) {
            self.status = status
            self.body = body
            self.headers = headers
        }

        package static func error(_ status: Int, _ variant: KBSErrorVariant, _ detail: String) -> Answer {
            Answer(status, KBSErrorObject(variant, detail: detail).serialized())
        }

        /// What our broker answers when a policy denies.
        package static let denied = error(
            403, .policyDeny, "Access denied by policy (code: condition_false; decision: 0193-deny)")
    }

    struct State {
        var resources: [String: [UInt8]] = [:]
        var scripts: [String: [Answer]] = [:]
        var recorded: [Recorded] = []
        var challenge = Challenge(nonce: "", extraParameters: .string(""))
        var nonces: [String: String] = [:]
        var keys: [String: JWERecipient] = [:]
        var tokenLives: [Int64] = [300]
        var issued = 0
        var silent: Set<String> = []
    }

    let state = Mutex(State())
    package let clock: WallClock
    /// Keeps the tokens of two brokers apart.
    let name = UUID().uuidString

    private init(clock: WallClock) {
        self.clock = clock
    }

    /// Runs a broker for the length of `body`, which gets its address; on any port unless one is named.
    package static func run<T: Sendable>(
        clock: WallClock = .system, port: Int = 0, _ body: @Sendable @escaping (FakeKBS, String) async throws -> T
    ) async throws -> T {
        let broker = FakeKBS(clock: clock)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "fake-kbs")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await broker.respond(request) },
            server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) },
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body(broker, "http://127.0.0.1:\(port)") }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    package func put(_ path: String, _ bytes: [UInt8]) { state.withLock { $0.resources[path] = bytes } }
    package func resource(_ path: String) -> [UInt8]? { state.withLock { $0.resources[path] } }
    /// How long tokens live, in seconds: the first one, the second one, …; what is named last counts for all others.
    package func set(tokenLife: Int64...) { state.withLock { $0.tokenLives = tokenLife } }
    package func set(challengeParameters: JSONValue) {
        state.withLock { $0.challenge = Challenge(nonce: "", extraParameters: challengeParameters) }
    }
    /// Forgets all tokens, as a broker does that lost its signing key.
    package func revokeTokens() { state.withLock { $0.keys = [:] } }
    /// Answers to give on `route` (such as `auth` or `resource/a/b/c`) in place of the usual; the last one stays.
    package func script(_ route: String, _ answers: Answer...) { state.withLock { $0.scripts[route] = answers } }
    package func endScript(_ route: String) { state.withLock { $0.scripts[route] = nil } }

    /// Never answers on `route` again.
    package func silence(_ route: String) { _ = state.withLock { $0.silent.insert(route) } }

    package func recorded(_ route: String) -> [Recorded] {
        state.withLock { $0.recorded.filter { $0.target == "/kbs/v0/\(route)" } }
    }
    /// The targets of all requests, as they were written.
    package var targets: [String] { state.withLock { $0.recorded.map(\.target) } }
    package var attestations: Int { recorded("attest").count }
}
