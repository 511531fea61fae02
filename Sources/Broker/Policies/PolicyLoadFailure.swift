import Policy

/// Why stored policies cannot be used.
struct PolicyLoadFailure: Error, Sendable, Hashable {
    enum Cause: String, Sendable, Hashable {
        /// A document is no policy any more, or two contradict each other.
        case invalid = "policies_invalid"
        /// Somebody wrote to the database past the brokers.
        case unauthentic = "policies_unauthentic"
        /// Something did not come in a bundle with the signatures that are required.
        case unsigned = "policies_unsigned"
        /// The database went back to older policies than this broker has had.
        case rolledBack = "policies_rolled_back"

        /// What the log says.
        var sentence: String {
            switch self {
            case .invalid: "stored policies do not compile; nothing is released until they do"
            case .unauthentic:
                "stored policies were changed past the brokers; nothing is released until they are mended"
            case .unsigned: "stored policies lack a required signature; nothing is released until they have it"
            case .rolledBack: "stored policies are older than those in force; nothing is released until they are not"
            }
        }
    }

    let cause: Cause
    /// What is wrong, for the log.
    let details: String

    init(_ cause: Cause, _ details: String) {
        self.cause = cause
        self.details = details
    }
}
