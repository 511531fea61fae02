import KBSProtocol

/// The resources that a key provider may write: those of one repository, or of one repository and type.
///
/// Whoever reaches the key provider's socket can ask it to store keys, with the rights of the agent's admin token. The
/// scope says how far that goes, whatever else the token allows.
public struct RegistrationScope: Sendable, Hashable, CustomStringConvertible {
    /// The scope of an agent that was told nothing else: `default/image-kek`, where key providers put keys by custom.
    public static let standard = RegistrationScope(repository: "default", type: customaryType)

    private static let customaryType = "image-kek"

    private let repository: String
    private let type: String?

    private init(repository: String, type: String?) {
        self.repository = repository
        self.type = type
    }

    /// Reads `repository` or `repository/type`.
    ///
    /// - Throws: `GuestError` with `invalidRequest`.
    public init(_ text: String) throws(GuestError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, (try? ResourcePath(segments: [parts[0], parts.last ?? "", "x"])) != nil else {
            throw GuestError(.invalidRequest, "\(text) is neither REPOSITORY nor REPOSITORY/TYPE of resources.")
        }
        self.init(repository: parts[0], type: parts.count == 2 ? parts[1] : nil)
    }

    /// Whether a resource may be written. Whole segments are compared.
    func contains(_ path: ResourcePath) -> Bool {
        path.repository == repository && (type == nil || path.type == type)
    }

    /// A resource of the scope.
    func path(tag: String) throws(KBSProtocolError) -> ResourcePath {
        try ResourcePath(segments: [repository, type ?? Self.customaryType, tag])
    }

    /// The scope as it is written on the command line.
    public var description: String { type.map { "\(repository)/\($0)" } ?? repository }
}
