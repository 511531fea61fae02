/// The body of a `BrokeredSecret`: where its value comes from, and the resource under which the broker keeps it.
public struct BrokeredSecretSpec: Sendable, Hashable {
    /// The resource. Its repository is the document's namespace.
    public struct Path: Sendable, Hashable {
        /// The second segment.
        public let type: String
        /// The third segment.
        public let tag: String
    }

    /// Where the value comes from.
    public enum Origin: Sendable, Hashable {
        /// The broker makes it, so that it never exists anywhere else in the clear.
        case generate(GeneratedSecret)
        /// It was encrypted to the broker elsewhere: a JWE in the compact serialisation.
        case sealed(String)
        /// It stands in a Secret of the namespace, in the clear.
        case secretRef(SecretReference)
    }

    /// What becomes of the resource when the document goes away.
    public enum DeletionPolicy: String, Sendable, Hashable, CaseIterable {
        /// It stays.
        case retain = "Retain"
        /// All its versions are destroyed.
        case delete = "Delete"
    }

    /// How many versions are kept where nothing is said.
    public static let defaultVersions: Int64 = 3
    /// How many versions can be asked for.
    public static let versionBounds: ClosedRange<Int64> = 1...100

    /// The resource.
    public let path: Path
    /// Where the value comes from.
    public let origin: Origin
    /// How many versions are kept; guests only ever get the latest.
    public let versionsKept: Int64
    /// What becomes of the resource when the document goes away.
    public let deletionPolicy: DeletionPolicy
    /// Whether a resource that somebody else wrote may be taken over.
    public let adopts: Bool
}

/// A value that the broker makes.
public struct GeneratedSecret: Sendable, Hashable {
    /// What kind of value it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Random bytes, as many as asked for.
        case random
        /// 32 random bytes.
        case aes256
        /// An Ed25519 private key, PKCS #8 in PEM.
        case ed25519
        /// A private key on P-256, PKCS #8 in PEM.
        case p256
        /// An RSA private key of 3072 bits, PKCS #8 in PEM.
        case rsa3072
    }

    /// How many random bytes can be asked for.
    public static let lengthBounds: ClosedRange<Int64> = 16...4096
    /// How many random bytes are made where nothing is said.
    public static let defaultLength: Int64 = 32
    /// The shortest and longest time between rotations, in seconds: an hour and ten years.
    public static let rotationBounds: ClosedRange<Int64> = 3600...315_360_000

    /// What kind of value it is.
    public let kind: Kind
    /// How many bytes ``Kind/random`` has.
    public let length: Int64
    /// After how many seconds a new version takes its place; `nil` for never.
    public let rotationInterval: Int64?

    /// A value of a kind.
    ///
    /// - Parameters:
    ///   - length: How many bytes ``Kind/random`` has.
    ///   - rotationInterval: In seconds.
    public init(kind: Kind, length: Int64 = defaultLength, rotationInterval: Int64? = nil) {
        self.kind = kind
        self.length = length
        self.rotationInterval = rotationInterval
    }
}

/// A key of a Kubernetes Secret.
public struct SecretReference: Sendable, Hashable {
    /// The Secret's name, in the namespace of the document.
    public let name: String
    /// The key in its data.
    public let key: String
}
