import Encodings

/// What goes wrong in a running watch.
package enum Disturbance: Sendable {
    /// A clean end, as at `timeoutSeconds`.
    case end
    /// An ERROR event, then the end: 410 for instance.
    case error(APIStatus)
    /// The first half of a line, then the connection is closed.
    case halfALine
    /// Nothing is sent any more, and the connection stays open.
    case stall
    /// Each event from now on is sent twice.
    case duplicates
}

/// What goes wrong with a request.
package enum FaultEffect: Sendable {
    /// This answer in place of the usual.
    case answer(APIStatus)
    /// No answer at all, and the connection stays open.
    case silence
    /// The connection is closed without an answer.
    case hangUp
    /// The watch begins as usual and is disturbed after so many events.
    case watch(Disturbance, afterEvents: Int)
}

extension FaultEffect {
    /// Resource versions are gone, said by HTTP itself.
    package static let gone = FaultEffect.answer(.expired("The resourceVersion for the provided watch is too old."))
    /// Resource versions are gone, said in the stream.
    package static let goneInStream = FaultEffect.watch(.error(.expired("too old resource version")), afterEvents: 0)
    /// Too many requests: come back after so many seconds.
    package static func throttled(retryAfter seconds: Int) -> FaultEffect {
        .answer(.tooManyRequests(retryAfter: seconds))
    }
    /// What a server says that cannot ask its store for progress.
    package static let watchListUnsupported = FaultEffect.watch(
        .error(APIStatus(500, "InternalError", "Internal error occurred: RequestWatchProgress is disabled")),
        afterEvents: 0)
    package static let internalError = FaultEffect.answer(
        APIStatus(500, "InternalError", "Internal error occurred: the store does not answer"))
    package static let unavailable = FaultEffect.answer(
        APIStatus(503, "ServiceUnavailable", "the server is currently unable to handle the request"))
}

/// A fault that waits for its requests.
struct Fault: Sendable {
    let effect: FaultEffect
    let matches: @Sendable (AccessRequest) -> Bool
    /// How often it strikes; nil for always.
    var remaining: Int?
}
