import Crypto
import Encodings
public import FoundationEssentials
public import X509Trust

/// An identifier for the holder of a certificate (did:x509, version 0): an authority of its chain by its fingerprint, and
/// what the leaf must say.
///
/// Read are the conditions `eku` and `subject`; an identifier with any other is refused.
public struct X509DID: Sendable, Hashable {
    /// What the leaf must say.
    enum Condition: Sendable, Hashable {
        /// An extended key usage, in dotted form.
        case extendedKeyUsage(String)
        /// Attributes of the subject's name, by their object identifiers.
        case subject([NameAttribute])
    }

    private enum Fingerprint: String {
        case sha256, sha384, sha512

        func digest(_ bytes: [UInt8]) -> [UInt8] {
            switch self {
            case .sha256: Array(SHA256.hash(data: bytes))
            case .sha384: Array(SHA384.hash(data: bytes))
            case .sha512: Array(SHA512.hash(data: bytes))
            }
        }
    }

    /// The identifier as it is written.
    public let text: String
    private let algorithm: Fingerprint
    private let fingerprint: [UInt8]
    let conditions: [Condition]

    private static let maximumBytes = 1_024

    /// Reads an identifier; throws ``ManifestError`` (`malformed_manifest`) for any other text.
    public init(_ text: String) throws(ManifestError) {
        let refusal = ManifestError.malformed("'\(text.printable.clipped(to: 200))' is no did:x509 that can be used.")
        guard text.utf8.count <= Self.maximumBytes else { throw refusal }
        let parts = text.components(separatedBy: "::")
        let head = parts[0].split(separator: ":", omittingEmptySubsequences: false)
        guard head.count == 5, head[0] == "did", head[1] == "x509", head[2] == "0",
            let algorithm = Fingerprint(rawValue: String(head[3])), let print = try? Base64.decodeURL(String(head[4])),
            print.count == algorithm.digest([]).count, parts.count > 1
        else { throw refusal }
        var conditions: [Condition] = []
        for part in parts.dropFirst() {
            guard let condition = Self.condition(part) else { throw refusal }
            conditions.append(condition)
        }
        self.text = text
        self.algorithm = algorithm
        fingerprint = print
        self.conditions = conditions
    }

    /// The key of the leaf of a chain that this identifier describes, when every certificate was valid at `date`.
    ///
    /// The chain holds all certificates from the leaf to a self-signed one; the authority of the fingerprint is any of them
    /// but the leaf. Throws ``ManifestError`` (`untrusted_signer`).
    public func key(of chain: [Certificate], at date: Date) throws(ManifestError) -> PublicKey {
        guard let leaf = chain.first, let root = chain.last, chain.count > 1,
            chain.dropFirst().contains(where: { algorithm.digest($0.der) == fingerprint })
        else { throw .untrusted("The chain of its signer has no authority of the expected fingerprint.") }
        do throws(X509Error) {
            _ = try CertificateChain.verify(
                path: chain, anchors: [PinnedAnchor(name: "authority of the signer", certificate: root)], at: date)
        } catch {
            throw .untrusted("The certificate of its signer is not trusted. \(error.message)")
        }
        guard conditions.allSatisfy({ Self.holds($0, of: leaf) }), let key = try? leaf.publicKey else {
            throw .untrusted("The signer's certificate does not say what is expected of it.")
        }
        return key
    }

    private static func holds(_ condition: Condition, of leaf: Certificate) -> Bool {
        switch condition {
        case .extendedKeyUsage(let usage):
            return leaf.extensionValue("2.5.29.37").map { ExtendedKeyUsage.contains(usage, der: $0) } ?? false
        case .subject(let wanted):
            guard let attributes = leaf.subjectAttributes else { return false }
            return wanted.allSatisfy(attributes.contains)
        }
    }

    private static let attributes = [
        "CN": "2.5.4.3", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "STREET": "2.5.4.9", "O": "2.5.4.10",
        "OU": "2.5.4.11",
    ]

    private static func condition(_ text: String) -> Condition? {
        let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard words.count > 1 else { return nil }
        switch words[0] {
        case "eku":
            guard words.count == 2, ExtendedKeyUsage.isIdentifier(words[1]) else { return nil }
            return .extendedKeyUsage(words[1])
        case "subject":
            guard words.count % 2 == 1 else { return nil }
            var wanted: [NameAttribute] = []
            for index in stride(from: 1, to: words.count, by: 2) {
                guard let oid = attributes[words[index]], !wanted.contains(where: { $0.oid == oid }),
                    let bytes = try? PercentEncoding.bytes(of: words[index + 1]), !bytes.isEmpty,
                    let value = String(validating: bytes, as: UTF8.self)
                else { return nil }
                wanted.append(NameAttribute(oid: oid, value: value))
            }
            return .subject(wanted)
        default: return nil
        }
    }
}
