import Broker
import HTTPServing

extension BrokerError {
    /// What a client is told whose request's body was not taken.
    init(_ refusal: BodyRefusal) {
        switch refusal {
        case .tooLarge(let limit): self = .bodyTooLarge(limit)
        case .tooSlow:
            self.init(
                kind: .malformed, variant: "MalformedRequest", code: "body_too_slow",
                message: "The request body took too long to arrive")
        case .noRoom:
            self.init(
                kind: .unavailable, variant: "ServiceUnavailable", code: "bodies_too_large",
                message: "Too many large requests at once; try again later")
        case .brokenOff:
            self.init(
                kind: .malformed, variant: "MalformedRequest", code: "body_unreadable",
                message: "The request body could not be read")
        }
    }
}
