/// Why the guest did not get what it asked for. Never contains secret bytes, tokens or bodies.
public struct GuestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of the failures.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The caller's own input makes no sense: a URI, a parameter, a file.
        case invalidRequest = "invalid_request"
        /// No usable TEE, and the sample attester was not allowed.
        case noTEE = "no_tee"
        /// Evidence could not be collected.
        case evidence = "evidence_failed"
        /// The broker refused the attestation.
        case attestationFailed = "attestation_failed"
        /// The broker refuses the token, also after one renewal.
        case unauthorized
        /// A policy denies the resource.
        case denied
        /// There is no such resource.
        case notFound = "not_found"
        /// The broker cannot be reached or cannot answer now.
        case unavailable
        /// No trustworthy connection to the broker: certificate or TLS handshake.
        case untrusted
        /// The broker's answer is not what the protocol says.
        case unexpected
        /// A key packet or sealed answer cannot be opened.
        case undecryptable
        /// A file could not be written where and how it must be.
        case projection
        /// The function is switched off.
        case disabled
        /// This agent does not do that, whatever its settings.
        case unsupported
        /// An encrypted volume could not be made, opened, mounted or closed.
        case volume = "volume_failed"
        /// An encrypted volume's header says what no volume of ours would.
        case volumeRefused = "volume_refused"
    }

    /// What kind of failure.
    public let code: Code
    /// A sentence for the operator.
    public let message: String
    /// The safe code that the broker gave, such as `condition_false`.
    public let brokerCode: String?
    /// The broker's decision that explains the refusal.
    public let decisionID: String?
    /// Seconds after which another attempt makes sense.
    public let retryAfter: Int?

    /// An error from its parts.
    public init(
        _ code: Code, _ message: String, brokerCode: String? = nil, decisionID: String? = nil, retryAfter: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.brokerCode = brokerCode
        self.decisionID = decisionID
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed later without any change by a person.
    public var isTransient: Bool { code == .unavailable }

    /// The sentence, and where the decision can be looked up.
    public var description: String {
        guard let decisionID else { return message }
        return "\(message); an admin sees why with: claviger explain \(decisionID)"
    }
}
