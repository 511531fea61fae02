import Encodings
public import Verification
import X509Trust

/// What is demanded of Arm CCA realms. Without endorsements no evidence is believed.
public struct CCAConfiguration: Sendable, Hashable {
    /// Whose word counts about which machines.
    public var endorsements = CCAEndorsements()
    /// Refuses machines whose firmware is none of the endorsed releases.
    public var requiresEndorsedFirmware = true
    /// Lets in machines that somebody may debug; policies see the claim `cca-platform-lifecycle`.
    public var allowsUnsecured = false

    /// The defaults.
    public init() {}

    var options: CCAVerifier.Options {
        var options = CCAVerifier.Options(endorsements: endorsements)
        options.requiresEndorsedFirmware = requiresEndorsedFirmware
        options.allowsUnsecured = allowsUnsecured
        return options
    }
}

extension CCAConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        requiresEndorsedFirmware = try section.flag("requireEndorsedFirmware") ?? requiresEndorsedFirmware
        allowsUnsecured = try section.flag("allowUnsecured") ?? allowsUnsecured
        try Self.merge("trustAnchorFiles", &section, into: &endorsements) { (bytes) throws(CCAEndorsementError) in
            try CCAEndorsements(trustAnchors: Self.json(bytes))
        }
        try Self.merge("referenceValueFiles", &section, into: &endorsements) { (bytes) throws(CCAEndorsementError) in
            try CCAEndorsements(referenceValues: Self.json(bytes))
        }
        var signers: [CCAEndorsements.ManifestSigner] = []
        for var part in try section.sections("manifestSigners") ?? [] { signers.append(try Self.signer(&part)) }
        try Self.merge("manifestFiles", &section, into: &endorsements) { (bytes) throws(CCAEndorsementError) in
            try CCAEndorsements(signedManifest: bytes, by: signers)
        }
        try Self.merge("unsignedManifestFiles", &section, into: &endorsements) { (bytes) throws(CCAEndorsementError) in
            try CCAEndorsements(unsignedManifest: bytes)
        }
        try section.finish()
    }

    /// A signer is named together with the machines that it may speak about, so that none speaks about another's.
    private static func signer(
        _ section: inout ConfigurationSection
    ) throws(ConfigurationError) -> CCAEndorsements.ManifestSigner {
        let path = try section.requiredText("keyFile")
        guard let key = try? PublicKey(pem: ConfigurationFile.text(at: path)) else {
            throw section.invalid("keyFile", "is \(path), which holds no public key in PEM.")
        }
        var identifiers: Set<[UInt8]> = []
        for text in try section.texts("implementationIDs") ?? [] {
            guard let bytes = try? Hex.decode(text), bytes.count == 32 else {
                throw section.invalid("implementationIDs", "has \(text), which is not 32 bytes in hexadecimal digits.")
            }
            identifiers.insert(bytes)
        }
        guard !identifiers.isEmpty else {
            throw section.invalid("implementationIDs", "names no machines that this signer may speak about.")
        }
        try section.finish()
        return CCAEndorsements.ManifestSigner(key: key, implementationIDs: identifiers)
    }

    private static func merge(
        _ key: String, _ section: inout ConfigurationSection, into all: inout CCAEndorsements,
        _ read: ([UInt8]) throws(CCAEndorsementError) -> CCAEndorsements
    ) throws(ConfigurationError) {
        for path in try section.texts(key) ?? [] {
            let bytes = try ConfigurationFile.bytes(at: path)
            do throws(CCAEndorsementError) {
                all.merge(try read(bytes))
            } catch {
                throw section.invalid(key, "has \(path), which cannot be used. \(error.message)")
            }
        }
    }

    /// What is no JSON is `null`, which no store is.
    private static func json(_ bytes: [UInt8]) -> JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
}
