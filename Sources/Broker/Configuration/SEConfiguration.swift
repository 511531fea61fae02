import Encodings
import RATS
public import Verification
import X509Trust

/// What is demanded of IBM Secure Execution guests. Without machines and images no evidence is believed.
public struct SEConfiguration: Sendable, Hashable {
    /// Machines, their authorities, revocation lists and images.
    public var options = SEVerifier.Options()

    /// The defaults.
    public init() {}
}

extension SEConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        for certificate in try Self.certificates("rootFiles", &section) {
            let name = certificate.subjectCommonName ?? "IBM Secure Execution root"
            options.anchors.append(PinnedAnchor(name: name, certificate: certificate))
        }
        options.authorities = try Self.certificates("authorityFiles", &section)
        options.hostKeys = try Self.certificates("hostKeyFiles", &section)
        guard options.hostKeys.count <= SEVerifier.Options.maximumHostKeys else {
            throw section.invalid(
                "hostKeyFiles", "names more than \(SEVerifier.Options.maximumHostKeys) machines for one request.")
        }
        options.revocationLists = try section.revocationLists("revocationListFiles")
        for path in try section.texts("imageHeaderFiles") ?? [] {
            let bytes = try ConfigurationFile.bytes(at: path)
            do throws(VerificationError) {
                options.images.append(try SEImageHeader(parsing: bytes))
            } catch {
                throw section.invalid("imageHeaderFiles", "has \(path). \(error.message)")
            }
        }
        options.configurationIDs = try Self.identifiers(&section)
        options.revocationGrace =
            try section.duration("revocationGrace", in: .zero ... .seconds(366 * 86_400)) ?? options.revocationGrace
        try section.finish()
    }

    /// Certificates in PEM or DER.
    private static func certificates(
        _ key: String, _ section: inout ConfigurationSection
    ) throws(ConfigurationError) -> [Certificate] {
        var all: [Certificate] = []
        for path in try section.texts(key) ?? [] {
            let bytes = try ConfigurationFile.bytes(at: path)
            if let certificate = try? Certificate(der: bytes) {
                all.append(certificate)
            } else if let certificates = try? Certificate.all(pem: String(decoding: bytes, as: UTF8.self)) {
                all += certificates
            } else {
                throw section.invalid(key, "has \(path), which holds no certificate.")
            }
        }
        return all
    }

    private static func identifiers(_ section: inout ConfigurationSection) throws(ConfigurationError) -> Set<[UInt8]>? {
        guard let texts = try section.texts("configurationIDs") else { return nil }
        var identifiers: Set<[UInt8]> = []
        for text in texts {
            guard let bytes = try? Hex.decode(text), bytes.count == 16 else {
                throw section.invalid("configurationIDs", "has \(text), which is not 16 bytes in hexadecimal digits.")
            }
            identifiers.insert(bytes)
        }
        return identifiers
    }
}
