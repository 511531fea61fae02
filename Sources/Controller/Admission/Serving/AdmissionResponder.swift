import Encodings
import FoundationEssentials
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Answers `POST /validate` and `POST /mutate`.
struct AdmissionResponder: Sendable {
    /// The bytes of all bodies that are held at a time.
    static let capacity = 67_108_864

    let validator: ObjectValidator
    let injector: PodInjector
    let metrics: ControllerMetrics
    let logger: Logger
    private let held = HeldBytes()

    init(validator: ObjectValidator, injector: PodInjector, metrics: ControllerMetrics, logger: Logger) {
        self.validator = validator
        self.injector = injector
        self.metrics = metrics
        self.logger = logger
    }

    func answer(to request: Request) async -> Response {
        let path = request.uri.path
        guard path == "/validate" || path == "/mutate" else { return Self.failure(.notFound, "There is nothing here.") }
        guard request.method == .post else { return Self.failure(.methodNotAllowed, "Only POST is answered.") }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/json" else {
            return Self.failure(.unsupportedMediaType, "Only application/json is read.")
        }
        let began = ContinuousClock.now
        let limit = AdmissionRequest.limits.maximumBytes
        // What does not say how long it is may be as long as is allowed.
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? limit
        guard (0...limit).contains(length) else { return Self.tooLarge }
        guard held.take(length, of: Self.capacity) else {
            return Self.failure(.serviceUnavailable, "Too much is asked at once; try again.")
        }
        defer { held.giveBack(length) }
        let body: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: limit)
            body = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            return Self.tooLarge
        } catch {
            return Self.failure(.badRequest, "The request broke off.")
        }
        return await answer(path, body, began)
    }

    private func answer(_ path: String, _ body: [UInt8], _ began: ContinuousClock.Instant) async -> Response {
        let webhook = String(path.dropFirst())
        let review: AdmissionRequest
        do throws(AdmissionReviewError) {
            review = try AdmissionRequest(body)
        } catch {
            metrics.admitted(webhook, result: error.code, took: .now - began)
            logger.warning(
                "a review cannot be answered", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            return Self.failure(.badRequest, error.message)
        }
        let answer = path == "/mutate" ? await injector.judge(review) : validator.judge(review)
        metrics.admitted(webhook, result: answer.result, took: .now - began)
        log(answer, to: review, webhook)
        return Self.response(.ok, answer.review(uid: review.uid).serialized())
    }

    private func log(_ answer: AdmissionAnswer, to review: AdmissionRequest, _ webhook: String) {
        let level: Logger.Level = answer.refusal == nil ? .debug : .notice
        logger.log(
            level: level, "admission",
            metadata: [
                "webhook": "\(webhook)", "result": "\(answer.result)", "operation": "\(review.operation.rawValue)",
                "kind": "\(review.kind.printable)", "namespace": "\((review.namespace ?? "").printable)",
                "name": "\(review.name.printable)", "uid": "\(review.uid.printable)",
                "reason": "\(answer.refusal?.reason ?? "")",
            ])
    }

    private static var tooLarge: Response {
        failure(.contentTooLarge, "A review has \(AdmissionRequest.limits.maximumBytes) bytes at most.")
    }

    private static func failure(_ status: HTTPResponse.Status, _ message: String) -> Response {
        response(status, (["error": .string(message)] as JSONObject).serialized())
    }

    private static func response(_ status: HTTPResponse.Status, _ body: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// What requests under way may hold in memory.
private final class HeldBytes: Sendable {
    private let held = Mutex(0)

    func take(_ count: Int, of capacity: Int) -> Bool {
        held.withLock { held in
            guard held + count <= capacity else { return false }
            held += count
            return true
        }
    }

    func giveBack(_ count: Int) { held.withLock { $0 -= count } }
}
