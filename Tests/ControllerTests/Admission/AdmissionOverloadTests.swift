import Encodings
import Foundation
import HTTPTypes
import Hummingbird
import Kubernetes
import NIOCore
import Synchronization
import Telemetry
import Testing

@testable import Controller

/// Anybody in the cluster may be able to reach the webhooks, and pods are created only while they answer.
@Suite("Callers of the webhooks that want to stop everybody", .timeLimit(.minutes(3)))
struct AdmissionOverloadTests {
    private static let pod: JSONObject = [
        "metadata": ["name": "p", "annotations": ["claviger.dev/inject": "true"]],
        "spec": ["containers": [["name": "app", "image": "a"]]],
    ]

    private static func responder(
        _ registry: MetricsRegistry = MetricsRegistry(), profiles: any ProfileSource = GivenProfiles()
    ) -> AdmissionResponder {
        AdmissionResponder(
            validator: ObjectValidator(settings: PodFiles.settings, now: { Date() }),
            injector: PodInjector(settings: PodFiles.settings, authorities: nil, profiles: profiles),
            metrics: ControllerMetrics(factory: registry), logger: AdmissionCluster.silent)
    }

    private static func request(_ body: RequestBody, length: Int?) -> Request {
        var head = HTTPRequest(method: .post, scheme: "https", authority: "a", path: "/mutate")
        head.headerFields[.contentType] = "application/json"
        head.headerFields[.contentLength] = length.map { "\($0)" }
        return Request(head: head, body: body)
    }

    private static func request(_ review: JSONObject) -> Request {
        let body = review.serialized()
        return request(RequestBody(buffer: ByteBuffer(bytes: body)), length: body.count)
    }

    /// A body of which something comes, and then nothing more.
    private static func stalled(
        _ count: Int, length: Int?
    ) -> (request: Request, end: AsyncStream<ByteBuffer>.Continuation) {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        continuation.yield(ByteBuffer(repeating: 0x20, count: count))
        return (request(RequestBody(asyncSequence: stream), length: length), continuation)
    }

    private static func count(_ registry: MetricsRegistry, _ result: String) -> Bool {
        registry.prometheusText().contains("result=\"\(result)\"")
    }

    @Test("nine callers that announce much and send little stop nobody", arguments: [true, false])
    func announced(isLengthSaid: Bool) async throws {
        let responder = Self.responder()
        let length = isLengthSaid ? Controller.AdmissionRequest.limits.maximumBytes : nil
        let sleepers = (0..<9).map { _ in Self.stalled(1, length: length) }
        await withTaskGroup(of: Void.self) { group in
            for sleeper in sleepers { group.addTask { _ = await responder.answer(to: sleeper.request) } }
            try? await eventually { responder.bodies.heldBytes == 9 }
            let answer = await responder.answer(to: Self.request(Reviews.pod(Self.pod)))
            #expect(answer.status == .ok)
            for sleeper in sleepers { sleeper.end.finish() }
        }
        #expect(responder.bodies.heldBytes == 0)
    }

    @Test("what arrived is bounded, and whoever is refused for it, or is too long, shows in the metrics")
    func counted() async throws {
        let registry = MetricsRegistry()
        let responder = Self.responder(registry)
        let limit = Controller.AdmissionRequest.limits.maximumBytes
        let large = (0..<4).map { _ in Self.stalled(limit, length: limit) }
        await withTaskGroup(of: Void.self) { group in
            for one in large { group.addTask { _ = await responder.answer(to: one.request) } }
            try? await eventually { responder.bodies.heldBytes == 4 * limit }
            let refused = await responder.answer(to: Self.request(Reviews.pod(Self.pod)))
            #expect(refused.status == .serviceUnavailable)
            for one in large { one.end.finish() }
        }
        #expect(Self.count(registry, "overloaded") && Self.count(registry, "malformed"))
        let long = await responder.answer(to: Self.request(RequestBody(buffer: ByteBuffer()), length: limit + 1))
        #expect(long.status == .contentTooLarge && Self.count(registry, "too_large"))
        #expect(await responder.answer(to: Self.request(Reviews.pod(Self.pod))).status == .ok)
    }

    @Test("a review of very many small values is not read: each would take memory")
    func values() throws {
        func review(_ count: Int) -> [UInt8] {
            var review = Reviews.pod(Self.pod)
            review["more"] = .array([JSONValue](repeating: .array([]), count: count))
            return review.serialized()
        }
        #expect(throws: AdmissionReviewError.self) { try Controller.AdmissionRequest(review(210_000)) }
        #expect(try Controller.AdmissionRequest(review(150_000)).operation == .create)
    }

    /// Profiles that nobody knows, and whoever asks waits.
    private final class Gate: ProfileSource {
        private struct State {
            var inside = 0
            var most = 0
            var isOpen = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())
        var inside: Int { state.withLock(\.inside) }
        var most: Int { state.withLock(\.most) }

        func profile(_ name: String, in namespace: String) async throws(InjectionRefusal) -> KubernetesObject? {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.inside += 1
                    state.most = max(state.most, state.inside)
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            state.withLock { $0.inside -= 1 }
            return nil
        }

        func profiles(in namespace: String) throws(InjectionRefusal) -> [KubernetesObject] { [] }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
        }
    }

    @Test("only so many reviews are worked on at a time; the others wait as the text they came as, and are answered")
    func turns() async throws {
        let gate = Gate()
        let responder = Self.responder(profiles: gate)
        var pod = Self.pod
        pod["metadata"] = ["name": "p", "annotations": ["claviger.dev/inject": "unknown"]]
        let body = Reviews.pod(pod).serialized()
        let answered = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 {
                let request = Self.request(RequestBody(buffer: ByteBuffer(bytes: body)), length: body.count)
                group.addTask { await responder.answer(to: request).status == .ok }
            }
            try? await eventually { responder.bodies.heldBytes == 40 * body.count && gate.inside == 16 }
            #expect(gate.most == 16)
            gate.open()
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answered == 40 && gate.most <= 16)
    }

    @Test("a large review waits until it has room, and lighter ones do not overtake it")
    func weights() async throws {
        let turns = ReviewTurns(places: 4, capacity: 100)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let order = Written()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await turns.pass(weight: 60) { _ = await ends.first { _ in true } } }
            try? await eventually { turns.inside == 1 }
            group.addTask { await turns.pass(weight: 1_000) { order.add("large") } }
            try? await eventually { turns.waiting == 1 }
            group.addTask { await turns.pass(weight: 1) { order.add("small") } }
            try? await eventually { turns.waiting == 2 }
            #expect(order.all.isEmpty)
            end.finish()
        }
        #expect(order.all == ["large", "small"])
        #expect(turns.inside == 0 && turns.waiting == 0)
    }
}

/// What tasks wrote down, in the order in which they did.
final class Written: Sendable {
    private let words = Mutex<[String]>([])
    var all: [String] { words.withLock { $0 } }
    func add(_ word: String) { words.withLock { $0.append(word) } }
}
