/// Why the guest did not get what it asked for. Never contains secret bytes, tokens or bodies.
public struct GuestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of the failures.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The caller's own input makes no sense: a URI, a parameter, a file.
        case invalidRequest = "invalid_request"
        /// No usable TEE, and the sample attester was not allowed.
        case noTEE = "no_tee"
        /// The kernel, one of its file systems or a device refused something.
        case system = "system_failed"
        /// Evidence could not be collected.
        case evidence = "evidence_failed"
        /// The init-data is not what the hardware measured, or cannot be tied to it.
        case initData = "init_data_mismatch"
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
        /// A sealed secret is not what its format says.
        case invalidSealedSecret = "invalid_sealed_secret"
        /// A sealed secret is signed by nobody that this guest trusts.
        case untrustedSignature = "untrusted_signature"
        /// A sealed secret needs a provider that this agent does not know or does not have.
        case unsupportedProvider = "unsupported_provider"
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
    /// The kernel's number of the failure (`errno`), where the kernel was asked.
    public let systemError: Int32?
    /// Whether nothing came back within the time that was allowed.
    public private(set) var isTimeout = false
    /// Whether the broker's address is to blame, so that another one may do better.
    private(set) var concernsAddress = false

    /// An error from its parts.
    public init(
        _ code: Code, _ message: String, brokerCode: String? = nil, decisionID: String? = nil, retryAfter: Int? = nil,
        systemError: Int32? = nil
    ) {
        self.code = code
        self.message = message
        self.brokerCode = brokerCode
        self.decisionID = decisionID
        self.retryAfter = retryAfter
        self.systemError = systemError
    }

    /// The same failure, with another sentence behind the first.
    func adding(_ sentence: String) -> GuestError {
        var error = GuestError(
            code, "\(message) \(sentence)", brokerCode: brokerCode, decisionID: decisionID, retryAfter: retryAfter,
            systemError: systemError)
        error.isTimeout = isTimeout
        error.concernsAddress = concernsAddress
        return error
    }

    /// The same failure, blamed on the address that was asked.
    func blamingAddress(isTimeout: Bool = false) -> GuestError {
        var error = self
        error.concernsAddress = true
        error.isTimeout = isTimeout
        return error
    }

    /// Whether the same request may succeed later without any change by a person.
    public var isTransient: Bool { code == .unavailable }

    /// The sentence, and where the decision can be looked up.
    public var description: String {
        guard let decisionID else { return message }
        return "\(message); an admin sees why with: claviger explain \(decisionID)"
    }
}
