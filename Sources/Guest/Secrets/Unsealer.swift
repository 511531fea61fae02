public import Encodings
import JOSE
import KBSProtocol

/// Opens sealed secrets: finds out whose signature counts, believes what is signed, and fetches the value.
public struct Unsealer: SecretUnsealer {
    private let resources: any ResourceSource
    private let trust: SealedSecretTrust

    /// An opener of sealed secrets.
    ///
    /// - Parameters:
    ///   - resources: where values are fetched, and signing keys that are resources.
    ///   - trust: whose signatures count.
    public init(resources: any ResourceSource, trust: SealedSecretTrust) {
        self.resources = resources
        self.trust = trust
    }

    /// The value that a sealed text stands for.
    ///
    /// - Throws: `GuestError`: `invalid_sealed_secret`, `untrusted_signature`, `unsupported_provider`, or why a resource could
    ///   not be had.
    public func unseal(_ text: String) async throws(GuestError) -> SecretBytes {
        let secret = try await secret(text)
        let provider = try SecretProvider(name: secret.provider)
        switch (secret.content, provider) {
        case (.vault(let name), .kbs):
            return try await resources.resource(Self.uri(name))
        case (.envelope, .kbs):
            throw .invalidSecret("the provider kbs opens no envelopes; seal a vault that names the resource")
        default:
            throw provider.isNotBuilt
        }
    }

    /// The value that the bytes of a sealed text stand for; see ``unseal(_:)-(String)``.
    public func unseal(_ bytes: [UInt8]) async throws(GuestError) -> SecretBytes {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidSecret("it is no text") }
        return try await unseal(text)
    }

    /// What a sealed text says, when its signature counts.
    ///
    /// - Throws: `GuestError`: `invalid_sealed_secret`, `untrusted_signature`, or why a signing key could not be had.
    public func secret(_ text: String) async throws(GuestError) -> SealedSecret {
        trust.rule == .unverified ? try SealedText.unverifiedSecret(text) : try await verified(SealedText(text))
    }

    private func verified(_ text: SealedText) async throws(GuestError) -> SealedSecret {
        for key in trust.keys where text.isSigned(with: key) { return try text.secret(signedWith: key) }
        guard let key = try await namedKey(text.keyID) else {
            throw GuestError(.untrustedSignature, refusal(of: text.keyID))
        }
        return try text.secret(signedWith: key)
    }

    /// The key that a secret names, where it may name it.
    private func namedKey(_ keyID: String) async throws(GuestError) -> VerificationKey? {
        guard let uri = try? Self.uri(keyID) else {
            guard trust.rule == .anyNamedKey else { return nil }
            return try keyInFolder(keyID)
        }
        guard trust.rule == .anyNamedKey || trust.keyURIs.contains(uri) else { return nil }
        let bytes: SecretBytes
        do throws(GuestError) {
            bytes = try await resources.resource(uri)
        } catch {
            throw GuestError(
                error.code, "The signing key \(uri) of a sealed secret cannot be had: \(error.message)",
                brokerCode: error.brokerCode, decisionID: error.decisionID, retryAfter: error.retryAfter)
        }
        return try Self.key(bytes, named: uri.description)
    }

    private func keyInFolder(_ name: String) throws(GuestError) -> VerificationKey {
        guard let path = ResolvedPath.of("\(trust.keyFolder)/\(name)", below: trust.keyFolder) else {
            throw GuestError(
                .untrustedSignature,
                "The signing key '\(name.printable)' of a sealed secret is neither a kbs:/// URI nor a file in "
                    + "\(trust.keyFolder).")
        }
        let bytes = try SmallFile.read(path, limit: SealedSecretTrust.maximumKeyFileBytes, as: "signing key")
        return try Self.key(bytes, named: name)
    }

    private static func key(_ bytes: SecretBytes, named name: String) throws(GuestError) -> VerificationKey {
        do throws(GuestError) {
            return try SealedSigningKey.publicKey(bytes.copyBytes())
        } catch {
            throw GuestError(
                .untrustedSignature,
                "The signing key \(name.printable) of a sealed secret cannot be used: \(error.message)")
        }
    }

    private func refusal(of keyID: String) -> String {
        guard trust.hasPins else {
            return
                "No keys are named that may sign sealed secrets: give their files (--sealed-signing-key), or allow the key "
                + "that this one names (--sealed-signing-kid \(keyID.printable)), if that is yours."
        }
        return "The sealed secret is signed with none of the keys that were named, and the key that it names, "
            + "\(keyID.printable), is not one that was allowed."
    }

    /// A guest asks the broker that it was configured with, whatever host the URI names.
    private static func uri(_ text: String) throws(GuestError) -> ResourceURI {
        do throws(KBSProtocolError) {
            return try ResourceURI(text).withoutAuthority()
        } catch {
            throw .invalidSecret("the resource that it names is none (\(error.message))")
        }
    }
}
