import Broker
import LinearRegex

/// What a role may do.
struct AccessRule: Sendable {
    let role: String
    private let endpoints: LinearRegex
    /// Whether the expression itself says something about a query.
    private let namesQuery: Bool
    private let methods: Set<String>?

    /// Compiles a rule.
    ///
    /// The expression is matched against the whole target, so `^` and `$` around it are allowed and change nothing,
    /// and an alternation inside cannot widen it. It must begin at `/kbs` or `/claviger`. Unless it names a question mark
    /// (`\\?` or `[?]`) it must match the path alone too: a query, which any caller can add, never makes a path fit.
    init(_ configuration: AccessRuleConfiguration) throws(ConfigurationError) {
        role = configuration.role
        methods = configuration.methods.map { Set($0.map { $0.uppercased() }) }
        let pattern = configuration.allowedEndpoints
        let unanchored = pattern.hasPrefix("^") ? String(pattern.dropFirst()) : pattern
        guard unanchored.hasPrefix("/kbs") || unanchored.hasPrefix("/claviger") else {
            throw ConfigurationError(
                code: "invalid_access_rule",
                message: "The expression \(pattern) of role \(role) must begin with ^/kbs or ^/claviger.")
        }
        namesQuery = pattern.contains("\\?") || pattern.contains("[?]")
        do {
            endpoints = try LinearRegex(pattern)
        } catch {
            throw ConfigurationError(
                code: "invalid_access_rule", message: "The expression \(pattern) of role \(role) is not valid: \(error)"
            )
        }
    }

    func allows(role: String, method: String, target: String) -> Bool {
        guard self.role == role, methods?.contains(method) ?? true, endpoints.wholeMatch(target) else { return false }
        guard !namesQuery, let query = target.firstIndex(of: "?") else { return true }
        return endpoints.wholeMatch(String(target[..<query]))
    }
}
