/// What went wrong in the store. The message never holds a parameter value, a key or a row's content.
public struct StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable kinds of failure.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The database cannot be reached, is overloaded or refuses to work now. A write may or may not have happened:
        /// repeat it.
        case unavailable
        /// No answer within the request's time. A write may or may not have happened: repeat it.
        case timeout
        /// The caller's task was cancelled while it waited.
        case cancelled
        /// Something that must be unique or unchanged was not: a nonce is spent, an object belongs to another owner.
        case conflict
        /// The named object does not exist.
        case notFound = "not_found"
        /// Stored bytes do not decrypt under the name they were found at, or have a shape they cannot have.
        case corrupt
        /// Stored bytes are under a key-encryption key that this program was not given (yet): in the middle of a rotation.
        case keyUnknown = "key_unknown"
        /// The caller handed over something that cannot be stored.
        case invalid
        /// The database's schema is not the one that this program knows.
        case schema
        /// A fault of this program.
        case `internal`
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for the operator.
    public let message: String

    /// Makes an error from its kind and a sentence for the operator.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// True when the same request may succeed later: edges answer 503 with `Retry-After`, never 401 or 403.
    public var isUnavailable: Bool { code == .unavailable || code == .timeout || code == .keyUnknown }

    /// The code and the sentence.
    public var description: String { "\(code.rawValue): \(message)" }
}

extension StorageError {
    static let cancelled = StorageError(code: .cancelled, message: "the caller gave up waiting for the database")
    static let closed = StorageError(code: .unavailable, message: "the database connection pool is closed")
    static let timedOut = StorageError(code: .timeout, message: "the database did not answer in time")

    static func unavailable(_ message: String) -> StorageError { StorageError(code: .unavailable, message: message) }
    static func conflict(_ message: String) -> StorageError { StorageError(code: .conflict, message: message) }
    static func corrupt(_ message: String) -> StorageError { StorageError(code: .corrupt, message: message) }
    static func keyUnknown(_ message: String) -> StorageError { StorageError(code: .keyUnknown, message: message) }
    static func invalid(_ message: String) -> StorageError { StorageError(code: .invalid, message: message) }
    static func `internal`(_ message: String) -> StorageError { StorageError(code: .internal, message: message) }
}
