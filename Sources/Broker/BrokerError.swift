/// Why the broker did not do what it was asked to.
///
/// Everything in it may be shown to the caller: it never holds a secret, a token, or what only an operator may know.
public struct BrokerError: Error, Sendable, Hashable {
    /// What kind of failure it is; an edge turns it into a status.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The request cannot be read.
        case malformed
        /// The caller has not shown who or what he is.
        case unauthenticated
        /// The caller is known and may not do this.
        case denied
        /// There is no such thing, and the caller may know that.
        case notFound
        /// The request contradicts what is there already.
        case conflict
        /// The request is larger than allowed.
        case tooLarge
        /// The broker cannot answer now; the same request may succeed later.
        case unavailable
        /// The broker failed in a way that it should not.
        case `internal`
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// The last part of the error object's `type`, such as `PolicyDeny`.
    public let variant: String
    /// A stable word for programs, such as `nonce_spent`.
    public let code: String
    /// The sentence for the caller.
    public let message: String
    /// The recorded decision that explains the refusal, when there is one.
    public let decisionID: String?

    /// An error with these properties.
    public init(kind: Kind, variant: String, code: String, message: String, decisionID: String? = nil) {
        self.kind = kind
        self.variant = variant
        self.code = code
        self.message = message
        self.decisionID = decisionID
    }
}

extension BrokerError {
    static func malformed(_ variant: String, code: String, _ message: String) -> BrokerError {
        BrokerError(kind: .malformed, variant: variant, code: code, message: message)
    }

    static func unavailable(_ code: String, _ message: String) -> BrokerError {
        BrokerError(kind: .unavailable, variant: "ServiceUnavailable", code: code, message: message)
    }

    /// An operator's problem and not the caller's: guests come back until it is mended.
    static let policiesUnavailable = BrokerError.unavailable(
        "policies_unavailable", "The newest policies cannot be used; try again later")

    static func notFound(_ variant: String, _ message: String) -> BrokerError {
        BrokerError(kind: .notFound, variant: variant, code: "not_found", message: message)
    }

    static func internalFailure(_ code: String, _ message: String) -> BrokerError {
        BrokerError(kind: .internal, variant: "InternalError", code: code, message: message)
    }

    /// The refusal of a challenge; the wording is what released clients and their tests look for.
    static func challengeRefused(_ kind: Kind, code: String, _ cause: String) -> BrokerError {
        BrokerError(
            kind: kind, variant: "AttestationError", code: code,
            message: "Attestation error: RCAR handshake Auth failed: \(cause)")
    }

    /// The refusal of an attestation: a code that is safe to show and where an operator finds the rest.
    static func attestationRefused(_ kind: Kind, code: String, decisionID: String? = nil) -> BrokerError {
        let pointer = decisionID.map { "; decision: \($0)" } ?? ""
        return BrokerError(
            kind: kind, variant: "AttestationError", code: code,
            message: "Attestation error: RCAR handshake Attest failed (code: \(code)\(pointer))", decisionID: decisionID
        )
    }

    static func releaseDenied(code: String, decisionID: String) -> BrokerError {
        BrokerError(
            kind: .denied, variant: "PolicyDeny", code: code,
            message: "Access denied by policy (code: \(code); decision: \(decisionID))", decisionID: decisionID)
    }

    static let credentialMissing = BrokerError(
        kind: .unauthenticated, variant: "TokenNotFound", code: "credential_missing",
        message: "Attestation Token not found")

    static func tokenRefused(_ code: String) -> BrokerError {
        BrokerError(
            kind: .unauthenticated, variant: "TokenVerifierError", code: code,
            message: "Token Verifier error (code: \(code))")
    }
}
