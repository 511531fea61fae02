import HTTPTypes

/// Who may use a route.
enum RouteAccess: Sendable, Hashable {
    /// Anyone; the answer holds nothing that needs protection.
    case open
    /// Anyone, as often as the rate limit allows.
    case limited
    /// Whoever holds a challenge of this broker.
    case challenged
    /// Whoever was attested; policies decide the rest.
    case attested
    /// An administrator whose role allows the request.
    case admin
}

/// One segment of a route's path.
enum RouteSegment: Sendable, Hashable {
    /// Exactly this text.
    case literal(String)
    /// Any one segment, under a name.
    case parameter(String)
    /// All segments that are left, at least one, joined by `/`, under a name.
    case rest(String)
}

/// One thing that can be asked of the broker over HTTP.
struct Route: Sendable {
    let method: HTTPRequest.Method
    let path: [RouteSegment]
    let access: RouteAccess
    let operation: RouteOperation

    /// A route whose path is written like `/kbs/v0/resource/{repository}/{type}/{tag}`; `{name...}` takes the rest.
    init(_ method: HTTPRequest.Method, _ path: String, _ access: RouteAccess, _ operation: RouteOperation) {
        self.method = method
        self.path = path.split(separator: "/").map { segment in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else { return .literal(String(segment)) }
            let name = segment.dropFirst().dropLast()
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(String(name))
        }
        self.access = access
        self.operation = operation
    }

    /// The parameters of a path that this route takes, or `nil` for another path.
    func match(_ segments: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (index, part) in path.enumerated() {
            guard index < segments.count else { return nil }
            switch part {
            case .literal(let text):
                guard segments[index] == text else { return nil }
            case .parameter(let name):
                guard !segments[index].isEmpty else { return nil }
                parameters[name] = segments[index]
            case .rest(let name):
                parameters[name] = segments[index...].joined(separator: "/")
                return parameters
            }
        }
        return segments.count == path.count ? parameters : nil
    }
}
