import Crypto
import Encodings
public import FoundationEssentials
public import X509Trust

/// How a manifest of reference values is written and signed.
public enum ManifestFormat: String, Sendable, Hashable, CaseIterable {
    /// An in-toto statement in a DSSE envelope: SLSA provenance, or Claviger's own predicate.
    case inToto = "in-toto"
    /// A concise reference integrity manifest, signed with COSE.
    case corim
    /// Microsoft's endorsement of a utility VM: JSON, signed with COSE, its signer named by a did:x509.
    case uvm
}

/// Whose signature on a manifest counts.
public enum ManifestSigner: Sendable, Hashable {
    /// Any of these keys.
    case keys([PublicKey])
    /// The leaf of a chain of certificates that an identifier describes.
    case certificate(X509DID)
}

/// What a manifest says, after its signature was found to be good.
public struct SignedManifest: Sendable, Hashable {
    /// The largest manifest, in bytes.
    public static let maximumBytes = 1 << 20
    /// How far a signer's clock may be ahead, in seconds.
    static let clockTolerance: TimeInterval = 300

    /// How it is written.
    public let format: ManifestFormat
    /// What it is called: of two with the same name by one signer the later takes the place of the earlier.
    public let id: String
    /// Which of those with its name it is; a later one has a higher number.
    public let version: Int64
    /// SHA-256 of all its bytes, lowercase hex.
    public let digest: String
    /// When it was signed, as the signer says.
    public let signedAt: Date?
    /// From when on its values count; `nil` for ever since.
    public let validFrom: Date?
    /// From when on they count no longer; `nil` when it says nothing of that.
    public let validUntil: Date?
    /// What the values were measured on, such as names and digests of artefacts.
    public let subject: String?
    /// Who or what built that.
    public let builtBy: String?
    /// Whose signature it is: the identifier of a certificate's holder, or `sha256:` and the digest of a public key.
    public let signedBy: String
    /// The values, each name once.
    public let values: [ManifestValue]

    /// Reads a manifest and verifies its signature.
    ///
    /// - Parameters:
    ///   - bytes: The manifest as it came.
    ///   - format: What it is expected to be; a manifest never chooses how it is read.
    ///   - signer: Whose signature counts.
    ///   - now: The time by which it must have been signed, and until which it must still count.
    /// - Throws: ``ManifestError``.
    public init(
        parsing bytes: [UInt8], format: ManifestFormat, signer: ManifestSigner, at now: Date
    ) throws(ManifestError) {
        guard bytes.count <= Self.maximumBytes else {
            throw .malformed("It has more than \(Self.maximumBytes) bytes.")
        }
        let content: ManifestContent
        switch (format, signer) {
        case (.inToto, .keys(let keys)):
            let envelope = try DSSEEnvelope(parsing: bytes)
            let key = try envelope.signer(among: keys)
            content = try InTotoStatement(parsing: envelope.payload).content(signedBy: key.fingerprintText)
        case (.corim, .keys(let keys)): content = try CoRIMValues.signed(bytes, by: keys)
        case (.uvm, .certificate(let did)): content = try UVMEndorsement(parsing: bytes, signer: did).content
        case (.inToto, .certificate), (.corim, .certificate), (.uvm, .keys):
            throw .untrusted("A manifest of the format \(format.rawValue) cannot be signed so.")
        }
        guard !content.values.isEmpty else { throw .malformed("It has no values.") }
        if let signed = content.signedAt, signed.timeIntervalSince(now) > Self.clockTolerance {
            throw ManifestError("manifest_not_yet_valid", "It says that it was signed in the future.")
        }
        if let end = content.validUntil, end <= now {
            throw ManifestError("manifest_expired", "It counted only until \(end.formatted(.iso8601)).")
        }
        self.format = format
        id = content.id
        version = content.version
        digest = Hex.encode(Array(SHA256.hash(data: bytes)))
        signedAt = content.signedAt
        validFrom = content.validFrom
        validUntil = content.validUntil
        subject = content.subject
        builtBy = content.builtBy
        signedBy = content.signedBy
        values = try content.values.merged()
    }
}

/// What the formats have in common.
struct ManifestContent {
    static let maximumNameBytes = 512

    let id: String
    let version: Int64
    var signedAt: Date?
    var validFrom: Date?
    var validUntil: Date?
    var subject: String?
    var builtBy: String?
    let signedBy: String
    let values: [ManifestValue]

    init(id: String, version: Int64, signedBy: String, values: [ManifestValue]) throws(ManifestError) {
        guard !id.isEmpty, id.utf8.count <= Self.maximumNameBytes, id.printable == id else {
            throw .malformed("Its name is empty, too long or not printable.")
        }
        guard version >= 0 else { throw .malformed("Its version is below zero.") }
        self.id = id
        self.version = version
        self.signedBy = signedBy
        self.values = values
    }
}

extension PublicKey {
    /// `sha256:` and the digest of the SubjectPublicKeyInfo.
    var fingerprintText: String { "sha256:" + Hex.encode(Array(SHA256.hash(data: spki))) }
}
