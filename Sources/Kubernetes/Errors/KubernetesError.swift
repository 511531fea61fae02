/// Why the Kubernetes API did not do what was asked. Holds no token and no content of objects but what the server wrote into
/// its message.
public struct KubernetesError: Error, Sendable, Hashable {
    /// The kinds of failure.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Somebody else changed the object, or owns its fields.
        case conflict
        /// There is such an object.
        case alreadyExists = "already_exists"
        /// There is no such object, or no such resource.
        case notFound = "not_found"
        /// The version or page asked for is too old: list anew.
        case gone
        /// The request or the object is not acceptable as it is.
        case invalid
        /// The credentials do not allow it.
        case forbidden
        /// The credentials are not accepted.
        case unauthorized
        /// Too many requests; see ``KubernetesError/retryAfter``.
        case throttled
        /// The version asked for is one that this server has not reached yet: ask again, do not list anew.
        case resourceVersionTooLarge = "resource_version_too_large"
        /// The server gave up in time.
        case serverTimeout = "server_timeout"
        /// The server failed.
        case serverError = "server_error"
        /// The exchange failed; see the message.
        case transport
        /// A watch was silent for too long.
        case watchIdle = "watch_idle"
        /// The server sent what it must not.
        case malformed
        /// The server's answer is larger than is read here: ask for less at once.
        case tooLarge = "too_large"
        /// The client is not configured well.
        case configuration
        /// The calling task was cancelled.
        case cancelled
    }

    /// One of several reasons.
    public struct Cause: Sendable, Hashable {
        /// Path of the field that it concerns; empty when it concerns none.
        public let field: String
        /// A sentence.
        public let message: String

        /// A reason.
        public init(field: String, message: String) {
            self.field = field
            self.message = message
        }
    }

    /// What kind of failure.
    public let kind: Kind
    /// The HTTP status, or that of an ERROR event; nil when there was no answer.
    public let statusCode: Int?
    /// The server's own word for it, such as `Expired`; empty when it gave none.
    public let reason: String
    /// A sentence for the operator.
    public let message: String
    /// What exactly is wrong, where the server tells.
    public let causes: [Cause]
    /// How long the server wants to be left alone.
    public let retryAfter: Duration?

    /// An error.
    public init(
        _ kind: Kind, statusCode: Int? = nil, reason: String = "", message: String, causes: [Cause] = [],
        retryAfter: Duration? = nil
    ) {
        self.kind = kind
        self.statusCode = statusCode
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed later without any change on this side.
    public var isTransient: Bool {
        switch kind {
        case .throttled, .resourceVersionTooLarge, .serverTimeout, .serverError, .transport, .watchIdle: true
        case .conflict, .alreadyExists, .notFound, .gone, .invalid, .forbidden, .unauthorized, .malformed,
            .tooLarge, .configuration, .cancelled:
            false
        }
    }
}

extension KubernetesError: CustomStringConvertible {
    /// Kind, status and sentence.
    public var description: String {
        "\(kind.rawValue)\(statusCode.map { " (\($0))" } ?? ""): \(message)"
    }
}
