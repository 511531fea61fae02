import HTTPServing
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Synchronization

/// A publisher's service on this machine that answers what a test told it to, and remembers what it was asked.
final class StandIn: Sendable {
    struct Answer: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        var delay: Duration = .zero
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var requests: [String] = []
    }

    private let state = Mutex(State())
    let port: Int

    private init(port: Int) { self.port = port }

    var url: String { "http://127.0.0.1:\(port)" }

    /// The targets that were asked for, in order.
    var requests: [String] { state.withLock { $0.requests } }

    /// What a path with its query is answered with from now on.
    func answer(_ target: String, _ answer: Answer) { state.withLock { $0.answers[target] = answer } }

    private func answer(to target: String) -> Answer {
        state.withLock { state in
            state.requests.append(target)
            return state.answers[target] ?? Answer(status: 404)
        }
    }

    /// The servant of a server whose port is not known before it runs.
    private final class Present: Sendable {
        private let held = Mutex<StandIn?>(nil)
        var servant: StandIn? { held.withLock { $0 } }
        func set(_ servant: StandIn) { held.withLock { $0 = servant } }
    }

    /// Serves until the body returns.
    static func run<T: Sendable>(_ body: @Sendable @escaping (StandIn) async throws -> T) async throws -> T {
        let (servants, introduce) = AsyncStream<StandIn>.makeStream()
        let current = Present()
        let router = Router()
        router.get("**") { request, _ in
            guard let servant = current.servant else { return Response(status: .serviceUnavailable) }
            let answer = servant.answer(to: request.uri.description)
            if answer.delay > .zero { try await Task.sleep(for: answer.delay) }
            var response = Response(
                status: .init(code: answer.status), body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
            for (name, value) in answer.headers {
                if let field = HTTPField.Name(name) { response.headers[field] = value }
            }
            return response
        }
        var logger = Logger(label: "stand-in")
        logger.logLevel = .critical
        let application = Application(
            router: router,
            server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                let servant = StandIn(port: channel.localAddress?.port ?? 0)
                current.set(servant)
                introduce.yield(servant)
            }, logger: logger)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await servant in servants { return try await body(servant) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
