import Broker

/// Why an admin request is refused. The texts are what existing clients and tests look for.
enum AdminRefusal: Error, Sendable, Hashable {
    case everybodyDenied
    case noBearerToken
    case notVerified(code: String)
    case noRole
    case accountNotNamed(subject: String)
    case roleNotAllowed(role: String, path: String)

    /// The refusal as the caller sees it.
    func error(endpoint: String) -> BrokerError {
        let (kind, code, cause): (BrokerError.Kind, String, String) =
            switch self {
            case .everybodyDenied:
                (.denied, "admin_disabled", "Admin access denied as DenyAll authorization_mode is enabled")
            case .noBearerToken: (.unauthenticated, "admin_token_missing", "Failed to parse HTTP Auth Bearer header")
            case .notVerified(let code): (.unauthenticated, code, "Cannot verify token with any of the issuers")
            case .noRole:
                (.unauthenticated, "admin_role_missing", "Missing required `role` claim in JWT")
            case .accountNotNamed(let subject):
                (.denied, "service_account_not_allowed", "The service account \(subject) has no role here")
            case .roleNotAllowed(let role, let path):
                (.denied, "admin_role_not_allowed", "Role \(role) not allowed for path \(path)")
            }
        return BrokerError(
            kind: kind, variant: "AdminAuthAccess", code: code,
            message: "admin access denied for endpoint \(endpoint): Admin access denied: \(cause)")
    }
}
