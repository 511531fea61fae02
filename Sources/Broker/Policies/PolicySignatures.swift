import JOSE
import Policy

/// Whose signatures policies need here.
struct PolicySignatures: Sendable {
    /// Whether policies count only when they came in a signed bundle.
    let isRequired: Bool
    private let bundleNames: Set<String>
    private let trusted: TrustedPolicyKeys?

    /// Reads the key files; throws ``ConfigurationError`` for one that cannot be used.
    init(_ configuration: PolicySignatureConfiguration) throws(ConfigurationError) {
        isRequired = configuration.required
        bundleNames = Set(configuration.bundles)
        guard !configuration.keyFiles.isEmpty else {
            guard !isRequired else {
                throw ConfigurationError(
                    code: "missing_key", message: "policies.signatures.keys must not be empty: signatures are required."
                )
            }
            trusted = nil
            return
        }
        var files: [[UInt8]] = []
        for path in configuration.keyFiles { files.append(try ConfigurationFile.bytes(at: path)) }
        do throws(PolicyBundleError) {
            var keys: [VerificationKey] = []
            for file in files { keys += try TrustedPolicyKeys.keys(inFile: file) }
            trusted = try TrustedPolicyKeys(keys, threshold: configuration.threshold)
        } catch {
            throw ConfigurationError(code: "invalid_key", message: "policies.signatures.keys: \(error.message)")
        }
    }

    /// Whether there are keys whose bundles are taken.
    var trustsKeys: Bool { trusted != nil }

    /// Whether bundles of this name are taken.
    func isTaken(_ bundleName: String) -> Bool { bundleNames.isEmpty || bundleNames.contains(bundleName) }

    /// Who signed a bundle; throws when that is not enough, or when no bundle of this name is taken.
    ///
    /// - Parameter anyName: Asks for the signatures alone, whether bundles of this name are taken or not.
    func signers(
        of bundle: SignedPolicyBundle, anyName: Bool = false
    ) throws(PolicyBundleError) -> [DetachedSigner] {
        guard anyName || isTaken(bundle.content.name) else {
            throw PolicyBundleError(
                code: "bundle_not_allowed",
                message: "This broker takes no bundle named \(bundle.content.name); see policies.signatures.bundles.")
        }
        guard let trusted else {
            throw PolicyBundleError(
                code: "unknown_signer",
                message: "This broker trusts no key for policies; name some in policies.signatures.keys.")
        }
        return try trusted.signers(of: bundle)
    }
}
