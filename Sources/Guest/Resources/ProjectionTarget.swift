public import KBSProtocol

/// A resource and the file it is written to.
public struct ProjectionTarget: Sendable, Hashable, CustomStringConvertible {
    /// The resource.
    public let uri: ResourceURI
    /// Absolute path of the file.
    public let path: String

    /// A target from its parts. Throws `GuestError` with `invalid_request` unless the path is absolute and plain.
    public init(uri: ResourceURI, path: String) throws(GuestError) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard path.hasPrefix("/"), !path.utf8.contains(0), let last = segments.last, !last.isEmpty,
            !segments.contains(".."), !segments.contains(".")
        else {
            throw GuestError(
                .invalidRequest, "A projected file needs an absolute path without . and .. segments: \(path)")
        }
        self.uri = uri
        self.path = path
    }

    /// Reads `kbs:///repository/type/tag=/path/of/file`.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public init(argument: String) throws(GuestError) {
        guard let separator = argument.firstRange(of: "=/") else {
            throw GuestError(
                .invalidRequest, "A projection is written kbs:///repository/type/tag=/path/of/file, not \(argument)")
        }
        let uri: ResourceURI
        do throws(KBSProtocolError) {
            uri = try ResourceURI(String(argument[..<separator.lowerBound]))
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
        try self.init(uri: uri, path: String(argument[argument.index(after: separator.lowerBound)...]))
    }

    /// The form that ``init(argument:)`` reads.
    public var description: String { "\(uri)=\(path)" }
}
