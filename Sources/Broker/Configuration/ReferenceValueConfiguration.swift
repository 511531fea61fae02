import Encodings
import Policy
public import Verification
import X509Trust

/// How reference values are taken.
public struct ReferenceValueConfiguration: Sendable, Hashable {
    /// Takes reference values only from signed manifests and signed bundles of policies: none that somebody registers, and
    /// none in documents that nobody signed, except to revoke.
    public var requiresSignatures = false
    /// Who may sign manifests, and what each may say. Without any, no manifest is taken.
    public var signers: [ReferenceSigner] = []
    /// The address, `host:port` with an IP address as host, on which reference values are registered and asked for over gRPC;
    /// nowhere when absent.
    public var listen: String?

    /// Signatures are not required, and none is trusted.
    public init() {}
}

/// Who signs manifests of reference values, and the names that were granted to him.
public struct ReferenceSigner: Sendable, Hashable {
    /// What he is called here: lowercase letters, digits, `-` and `.`.
    public var name: String
    /// How his manifests are written.
    public var format: ManifestFormat
    /// Whose signatures are his.
    public var identity: ManifestSigner
    /// The names that he may give values to, or their beginnings with `*` behind them; any other name refuses the manifest.
    public var names: [String]
    /// The namespace whose policies see his values; `nil` when all do.
    public var namespace: String?
    /// The manifests that are taken, by their names or beginnings with `*` behind them; all when absent.
    public var manifests: [String]?
    /// Manifests below this version are refused.
    public var minimumVersion: Int64 = 0
    /// What values are called here, by their names in the manifests.
    public var renames: [String: String] = [:]
    /// How long values count after they were signed; where nobody says when that was, after their import.
    public var maximumAge: Duration = .seconds(365 * 86_400)
    /// How long the values of a manifest still count, as deprecated ones, after a later version of it came.
    public var keepsSuperseded: Duration = .zero

    /// A signer to whom names are granted.
    public init(name: String, format: ManifestFormat, identity: ManifestSigner, names: [String]) {
        self.name = name
        self.format = format
        self.identity = identity
        self.names = names
    }
}

extension ReferenceValueConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        requiresSignatures = try section.flag("requireSignatures") ?? requiresSignatures
        listen = try section.text("listen")
        if let listen, ListenAddress(listen) == nil { throw section.invalid("listen", "is no host:port.") }
        for var entry in try section.sections("signers") ?? [] {
            let signer = try ReferenceSigner(&entry)
            guard !signers.contains(where: { $0.name == signer.name }) else {
                throw entry.invalid("name", "is given twice.")
            }
            signers.append(signer)
        }
        try section.finish()
    }
}

extension ReferenceSigner {
    private static let ages: ClosedRange<Duration> = .seconds(60) ... .seconds(3_650 * 86_400)

    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        let name = try section.requiredText("name")
        guard PolicyBundleContent.isName(name) else {
            throw section.invalid("name", "has lowercase letters, digits, '-' and '.' only.")
        }
        let formats = ManifestFormat.allCases.map(\.rawValue).joined(separator: ", ")
        guard let format = ManifestFormat(rawValue: try section.requiredText("format")) else {
            throw section.invalid("format", "must be one of \(formats).")
        }
        self.init(
            name: name, format: format, identity: try Self.identity(&section, format),
            names: try section.texts("names") ?? [])
        guard !names.isEmpty else { throw section.invalid("names", "must grant the signer at least one name.") }
        namespace = try section.text("namespace")
        manifests = try section.texts("manifests")
        minimumVersion = Int64(try section.integer("minimumVersion", in: 0...Int.max) ?? 0)
        renames = try section.textsByName("rename") ?? renames
        maximumAge = try section.duration("maximumAge", in: Self.ages) ?? maximumAge
        keepsSuperseded = try section.duration("keepSuperseded", in: .zero ... .seconds(3_650 * 86_400)) ?? .zero
        try section.finish()
    }

    private static func identity(
        _ section: inout ConfigurationSection, _ format: ManifestFormat
    ) throws(ConfigurationError) -> ManifestSigner {
        let files = try section.texts("keys") ?? []
        let did = try section.text("did")
        if format == .uvm {
            guard files.isEmpty, let did else {
                throw section.invalid("did", "names the signer of this format, and keys do not.")
            }
            guard let identifier = try? X509DID(did) else {
                throw section.invalid("did", "is no did:x509 with the conditions eku or subject.")
            }
            return .certificate(identifier)
        }
        guard did == nil, !files.isEmpty else {
            throw section.invalid("keys", "name the signer of this format, and did does not.")
        }
        var keys: [PublicKey] = []
        for path in files {
            guard let key = try? PublicKey(pem: ConfigurationFile.text(at: path)) else {
                throw section.invalid("keys", "has \(path), which holds no public key in PEM.")
            }
            keys.append(key)
        }
        return .keys(keys)
    }
}
