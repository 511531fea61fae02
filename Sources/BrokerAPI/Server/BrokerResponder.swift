import Broker
import Encodings
import FoundationEssentials
import HTTPServing
import HTTPTypes
import Hummingbird
import KBSProtocol
import Logging

/// Answers every request: finds the route, lets the caller in or not, reads the body, and turns failures into answers.
struct BrokerResponder: HTTPResponder {
    typealias Context = BrokerRequestContext

    let broker: Broker
    let gate: AdminGate
    let limiter: SourceRateLimiter
    let limits: LimitConfiguration
    let bodies = BodyReader(capacity: 268_435_456, timeLimit: .seconds(60))
    let metrics: HTTPMetrics
    let metricsText: @Sendable () -> String
    let secureCookies: Bool
    let logger: Logger

    /// What a request for a challenge may hold; those of released guests have a few hundred bytes.
    private static let challengeBodyBytes = 65_536

    func respond(to request: Request, context: BrokerRequestContext) async throws -> Response {
        let started = ContinuousClock.now
        let path = request.head.path ?? ""
        let counted = path.hasPrefix("/kbs")
        if counted { metrics.began(bodyBytes: request.headers[.contentLength].flatMap { Int($0) } ?? 0) }
        var operation = "none"
        let answer: Answer
        do throws(BrokerError) {
            answer = try await self.answer(request, path, source: context.source, operation: &operation)
        } catch {
            answer = .failure(error, tellsCode: !counted)
            log(error, operation)
        }
        let elapsed = started.duration(to: .now)
        if counted { metrics.ended(after: elapsed, bodyBytes: answer.body.count) }
        logger.debug(
            "request answered",
            metadata: [
                "method": "\(request.method.rawValue)", "operation": "\(operation)",
                "status": "\(answer.status.code)", "microseconds": "\(Int(elapsed.inSeconds * 1e6))",
            ])
        return answer.response(secureCookies: secureCookies)
    }

    private func answer(
        _ request: Request, _ path: String, source: String, operation: inout String
    ) async throws(BrokerError) -> Answer {
        let target = try RequestTarget(path).toleratingDuplicateSlash()
        let route: Route
        let parameters: [String: String]
        switch RouteTable.match(request.method, target) {
        case .found(let found, let values): (route, parameters) = (found, values)
        case .wrongMethod(let allowed): return .wrongMethod(allowed: allowed)
        case .invalidPath: throw .invalidPath
        case .unknownPlugin(let name): throw .unknownPlugin(name)
        case .unknownPath: throw .unknownPath
        }
        operation = route.operation.rawValue
        let principal = try await admit(request, route, target, source: source)
        let query = try QueryParameters.parse(target.query)
        guard let limit = bodyLimit(request, route) else {
            return try await perform(
                route.operation,
                Exchange(
                    target: target, parameters: parameters, query: query, headers: request.headers, body: [],
                    principal: principal))
        }
        return try await bodies.read(request, upTo: limit, refusal: BrokerError.init) { body throws(BrokerError) in
            try await perform(
                route.operation,
                Exchange(
                    target: target, parameters: parameters, query: query, headers: request.headers, body: body,
                    principal: principal))
        }
    }

    /// How large a body this request may have; `nil` when none is read.
    private func bodyLimit(_ request: Request, _ route: Route) -> Int? {
        guard request.method != .get, request.method != .delete else { return nil }
        switch route.access {
        case .limited: return min(limits.bodyBytes, Self.challengeBodyBytes)
        // Without a challenge the answer is known, and strangers must not fill the memory.
        case .challenged where !broker.isAwaited(cookie: SessionCookie.value(in: request.headers)): return nil
        // A whole site's collateral comes in one signed file.
        case .admin where route.operation == .importCollateral:
            return max(limits.bodyBytes, Broker.maximumCollateralBundleBytes)
        // All policies of a cluster come at once.
        case .admin where route.operation == .setSourcePolicies: return SourceRequest.maximumBytes
        default: return limits.bodyBytes
        }
    }

    /// Checks who may use the route before anything of the body is read.
    private func admit(
        _ request: Request, _ route: Route, _ target: RequestTarget, source: String
    ) async throws(BrokerError) -> AdminPrincipal? {
        switch route.access {
        case .open, .attested: return nil
        case .limited, .challenged:
            guard limiter.admits(source) else { throw .tooManyRequests }
            return nil
        case .admin:
            let endpoint = target.segments.count > 2 ? target.segments[2] : ""
            let principal: AdminPrincipal
            do throws(AdminRefusal) {
                principal = try await gate.admit(
                    bearer: Exchange.bearer(in: request.headers), method: request.method.rawValue, target: target.text)
            } catch {
                throw error.error(endpoint: endpoint)
            }
            if let identifier = principal.singleUse {
                let end = principal.expiresAt.addingTimeInterval(Double(2 * AdminGate.leeway))
                guard try await broker.spend(adminToken: identifier, of: principal.issuer, until: end) else {
                    throw AdminRefusal.notVerified(code: "admin_token_used").error(endpoint: endpoint)
                }
            }
            return principal
        }
    }

    private func log(_ error: BrokerError, _ operation: String) {
        let metadata: Logger.Metadata = [
            "operation": "\(operation)", "code": "\(error.code)", "decision": "\(error.decisionID ?? "")",
        ]
        switch error.kind {
        case .unavailable, .internal: logger.error("request failed", metadata: metadata)
        case .denied, .unauthenticated: logger.info("request refused", metadata: metadata)
        default: logger.debug("request refused", metadata: metadata)
        }
    }
}
