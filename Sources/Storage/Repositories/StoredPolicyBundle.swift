public import FoundationEssentials

/// A signed policy bundle to be stored; the store does not look into it.
public struct NewPolicyBundle: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its serial.
    public let serial: Int64
    /// SHA-256 over what is signed, lowercase hex.
    public let digest: String
    /// The bundle with its signatures, as JSON text.
    public let text: String

    /// A bundle from its parts.
    public init(name: String, serial: Int64, digest: String, text: String) {
        self.name = name
        self.serial = serial
        self.digest = digest
        self.text = text
    }

    /// The origin that documents of the bundle of this name have.
    public static func origin(_ name: String) -> String { originPrefix + name }

    /// Whether documents of this origin came in a signed bundle.
    public static func isOrigin(_ origin: String) -> Bool { origin.hasPrefix(originPrefix) }

    private static let originPrefix = "bundle/"
}

/// A signed policy bundle as it is in force.
public struct StoredPolicyBundle: Sendable, Hashable {
    /// What was stored.
    public let content: NewPolicyBundle
    /// The generation that it made.
    public let generation: Int64
    /// When it was stored, by the database's clock.
    public let updatedAt: Date
    /// Who stored it.
    public let updatedBy: String

    /// Its name.
    public var name: String { content.name }
}
