public import JOSE

/// The public keys whose signatures on policy bundles count, and how many of them a bundle needs.
public struct TrustedPolicyKeys: Sendable {
    private let trusted: TrustedSigners

    /// Keys and how many of them a bundle needs.
    ///
    /// Throws ``PolicyBundleError`` with code `unusable_key` for a key that cannot sign bundles, and when there are fewer
    /// keys than are needed.
    public init(_ keys: [VerificationKey], threshold: Int = 1) throws(PolicyBundleError) {
        do throws(JOSEError) {
            trusted = try TrustedSigners(keys, threshold: threshold)
        } catch {
            throw PolicyBundleError(code: "unusable_key", message: error.message)
        }
    }

    /// The public keys of a file: one in PEM (SubjectPublicKeyInfo), a JWK (RFC 7517) or a JWK set.
    ///
    /// Throws ``PolicyBundleError`` with code `unusable_key`; a set with one unusable key is refused as a whole.
    public static func keys(inFile bytes: [UInt8]) throws(PolicyBundleError) -> [VerificationKey] {
        do throws(JOSEError) {
            return try TrustedSigners.keys(inFile: bytes)
        } catch {
            throw PolicyBundleError(code: "unusable_key", message: "The key file cannot be used: \(error.message)")
        }
    }

    /// Who signed a bundle, each key once, when that is enough.
    ///
    /// Signatures that name other keys are passed over: a bundle may be meant for several brokers. One that names a trusted
    /// key and does not fit refuses the bundle. Throws ``PolicyBundleError``: `bundle_unsigned`, `unknown_signer`,
    /// `invalid_signature`, `too_few_signers`, or `bundle_malformed` for a signature that is none.
    public func signers(of bundle: SignedPolicyBundle) throws(PolicyBundleError) -> [DetachedSigner] {
        do throws(JOSEError) {
            return try trusted.signers(
                of: bundle.content.canonical, signatures: bundle.signatures, type: SignedPolicyBundle.signatureType)
        } catch {
            throw PolicyBundleError(error, bundle: bundle.content.name)
        }
    }
}

extension PolicyBundleError {
    fileprivate init(_ error: JOSEError, bundle: String) {
        let code =
            switch error.code {
            case "unsigned": "bundle_unsigned"
            case "unknown_signer", "invalid_signature", "too_few_signers": error.code
            default: "bundle_malformed"
            }
        self.init(code: code, message: "The signatures of the bundle \(bundle) are not good: \(error.message)")
    }
}
