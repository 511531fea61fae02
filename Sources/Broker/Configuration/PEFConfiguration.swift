import Encodings
import JOSE
public import Verification

/// What is demanded of OpenPOWER hosts. Without owners no blob is believed, without keys of TPMs no host.
public struct PEFConfiguration: Sendable, Hashable {
    /// Owners of blobs, and the policies of machine keys.
    public var options = PEFVerifier.Options()

    /// The defaults.
    public init() {}
}

extension PEFConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        for path in try section.texts("ownerKeyFiles") ?? [] {
            let bytes = try ConfigurationFile.bytes(at: path)
            guard let key = try? VerificationKey(pem: String(decoding: bytes, as: UTF8.self)) else {
                throw section.invalid("ownerKeyFiles", "has \(path), which holds no public key in PEM.")
            }
            options.owners.append(key)
        }
        guard options.owners.count <= PEFVerifier.Options.maximumOwners else {
            throw section.invalid("ownerKeyFiles", "names more than \(PEFVerifier.Options.maximumOwners) owners.")
        }
        if let texts = try section.texts("machinePolicies") {
            var policies: Set<[UInt8]> = []
            for text in texts {
                guard let digest = try? Hex.decode(text), [32, 48, 64].contains(digest.count) else {
                    throw section.invalid("machinePolicies", "has \(text), which is no digest in hexadecimal digits.")
                }
                policies.insert(digest)
            }
            options.machinePolicies = policies
        }
        try section.finish()
    }
}
