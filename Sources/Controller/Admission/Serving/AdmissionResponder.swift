import Encodings
import FoundationEssentials
import HTTPServing
import Hummingbird
import Logging
import NIOCore

/// Answers `POST /validate` and `POST /mutate`.
///
/// Nobody knows who calls, so nobody may make it hold much: bodies together are bounded, and so are the reviews made of them.
struct AdmissionResponder: Sendable {
    /// What all bodies that are held at a time may have together, and the reviews that are worked on.
    private static let capacity = 33_554_432
    /// As many bytes as one of a body's becomes when it is read, at worst about.
    private static let growth = 8
    private static let mostReviews = 16
    /// How long a review may take to arrive.
    static let arrival: Duration = .seconds(10)

    let validator: ObjectValidator
    let injector: PodInjector
    let metrics: ControllerMetrics
    let logger: Logger
    let bodies = BodyReader(capacity: Self.capacity, timeLimit: Self.arrival)
    private let turns = ReviewTurns(places: Self.mostReviews, capacity: Self.capacity)

    init(validator: ObjectValidator, injector: PodInjector, metrics: ControllerMetrics, logger: Logger) {
        self.validator = validator
        self.injector = injector
        self.metrics = metrics
        self.logger = logger
    }

    func answer(to request: Request) async -> Response {
        let path = request.uri.path
        guard path == "/validate" || path == "/mutate" else {
            return Self.response(.notFound, "There is nothing here.")
        }
        guard request.method == .post else { return Self.response(.methodNotAllowed, "Only POST is answered.") }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/json" else {
            return Self.response(.unsupportedMediaType, "Only application/json is read.")
        }
        let began = ContinuousClock.now
        let webhook = String(path.dropFirst())
        do throws(UnansweredReview) {
            return try await bodies.read(
                request, upTo: AdmissionRequest.limits.maximumBytes, refusal: UnansweredReview.init
            ) { body throws(UnansweredReview) in
                let result = await turns.pass(weight: body.count * Self.growth) {
                    await answer(body, webhook, began)
                }
                return try result.get()
            }
        } catch {
            metrics.admitted(webhook, result: error.code, took: .now - began)
            logger.warning(
                "a review cannot be answered", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            return Self.response(error.status, error.message)
        }
    }

    private func answer(
        _ body: [UInt8], _ webhook: String, _ began: ContinuousClock.Instant
    ) async -> Result<Response, UnansweredReview> {
        let review: AdmissionRequest
        do throws(AdmissionReviewError) {
            review = try AdmissionRequest(body)
        } catch {
            return .failure(UnansweredReview(error))
        }
        let answer = webhook == "mutate" ? await injector.judge(review) : validator.judge(review)
        metrics.admitted(webhook, result: answer.result, took: .now - began)
        log(answer, to: review, webhook)
        return .success(Self.response(.ok, answer.review(uid: review.uid).serialized()))
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

    private static func response(_ status: HTTPResponse.Status, _ message: String) -> Response {
        response(status, (["error": .string(message)] as JSONObject).serialized())
    }

    private static func response(_ status: HTTPResponse.Status, _ body: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// Why a review is answered with a status instead of a review.
private struct UnansweredReview: Error {
    let status: HTTPResponse.Status
    /// A stable word for metrics and logs.
    let code: String
    let message: String

    init(_ refusal: BodyRefusal) {
        switch refusal {
        case .tooLarge(let limit):
            (status, code, message) = (.contentTooLarge, "too_large", "A review has \(limit) bytes at most.")
        case .tooSlow: (status, code, message) = (.requestTimeout, "too_slow", "The review took too long to arrive.")
        case .noRoom:
            (status, code, message) = (
                .serviceUnavailable, "overloaded", "Too much is asked at once; try again."
            )
        case .brokenOff: (status, code, message) = (.badRequest, "broken_off", "The request broke off.")
        }
    }

    init(_ error: AdmissionReviewError) {
        (status, code, message) = (.badRequest, error.code, error.message)
    }
}
