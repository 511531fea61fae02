public import KBSProtocol
import Verification

/// A request for a secret.
public struct ReleaseInput: Sendable {
    /// The plugin that has the secret; `resource` is the only one.
    public let plugin: String
    /// The secret's name, exactly as it was received.
    public let path: ResourcePath
    /// The request's query.
    public let query: [String: String]
    /// The session cookie, when one was sent; it is tried first.
    public let sessionCookie: String?
    /// The bearer token, when one was sent.
    public let bearer: String?

    /// A request with the credentials that came with it.
    public init(
        plugin: String = "resource", path: ResourcePath, query: [String: String] = [:], sessionCookie: String?,
        bearer: String?
    ) {
        self.plugin = plugin
        self.path = path
        self.query = query
        self.sessionCookie = sessionCookie
        self.bearer = bearer
    }
}

extension ReleaseInput {
    /// The name under which a launch finds the secret: the query's `guid`, or that of a disk's password; `nil` for a text
    /// that is no GUID.
    var launchSecretName: SEVSecretGUID? {
        guard let text = query["guid"] else { return .diskPassword }
        return SEVSecretGUID(text)
    }
}
