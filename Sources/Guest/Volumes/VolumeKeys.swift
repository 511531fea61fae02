public import Encodings
public import KBSProtocol

/// Where a volume's key comes from, as the option `key` says it.
public enum VolumeKeyName: Sendable, Hashable {
    /// A sealed secret, `sealed.…`.
    case sealed(String)
    /// A resource of the broker, `kbs://…` or `kbs+plugin://…`.
    case resource(ResourceURI)
    /// A file of this guest, `file:///…`.
    case file(String)

    /// Reads the option's text.
    ///
    /// - Throws: `GuestError` with `invalid_request`. The text is not repeated: it could be a key given by mistake.
    public init(_ text: String) throws(GuestError) {
        if text.hasPrefix("sealed.") {
            self = .sealed(text)
        } else if text.hasPrefix("file:///"), !text.utf8.contains(0) {
            self = .file(String(text.dropFirst("file://".count)))
        } else if text.hasPrefix("kbs:") || text.hasPrefix("kbs+") {
            do throws(KBSProtocolError) {
                // A guest asks the broker that it was configured with, whatever host the URI names.
                let uri = try ResourceURI(text)
                self = .resource(try ResourceURI(plugin: uri.plugin, path: uri.path, query: uri.query))
            } catch {
                throw GuestError(.invalidRequest, "The option key: \(error.message)")
            }
        } else {
            throw GuestError(
                .invalidRequest, "The option key has to begin with sealed., kbs://, kbs+plugin:// or file:///.")
        }
    }
}

/// Gets the keys of volumes. Their bytes are used as they come; no line end is taken off.
public struct VolumeKeys: Sendable {
    /// Opens sealed secrets.
    public typealias Unsealer = @Sendable (_ sealed: String) async throws(GuestError) -> SecretBytes

    /// The most bytes that a key may have.
    static let maximumSize = 32_768
    /// The bytes of a key that nobody ever knows.
    static let ephemeralSize = 4096

    private let resources: any ResourceSource
    private let unseal: Unsealer?

    /// Keys from `resources`, and from sealed secrets if there is somebody who opens them.
    public init(_ resources: any ResourceSource, unseal: Unsealer? = nil) {
        self.resources = resources
        self.unseal = unseal
    }

    func key(_ name: VolumeKeyName?) async throws(GuestError) -> SecretBytes {
        let key: SecretBytes
        switch name {
        case nil:
            return .random(count: Self.ephemeralSize)
        case .sealed(let text):
            guard let unseal else { throw GuestError(.disabled, "Sealed secrets are not opened by this agent.") }
            key = try await unseal(text)
        case .resource(let uri):
            key = try await resources.resource(uri)
        case .file(let path):
            key = try SmallFile.read(path, limit: Self.maximumSize, as: "volume key file")
        }
        guard !key.isEmpty else { throw GuestError(.volume, "The volume's key is empty.") }
        guard key.count <= Self.maximumSize else {
            throw GuestError(.volume, "The volume's key has \(key.count) bytes; \(Self.maximumSize) are the most.")
        }
        return key
    }
}
