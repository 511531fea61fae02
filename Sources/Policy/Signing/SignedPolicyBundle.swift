import Encodings
public import JOSE

/// A policy bundle with its signatures, as it stands in a file.
///
/// The file is a JSON object with `apiVersion`, `kind: SignedPolicyBundle`, `bundle` (the signed object) and `signatures`,
/// a list of detached JWS (RFC 7515 appendix F) over the canonical form (RFC 8785) of `bundle`. How the file itself is laid
/// out does not matter. Headers have `alg` (ES256, ES384, ES512 or EdDSA), `kid` and `typ`.
public struct SignedPolicyBundle: Sendable {
    /// The `kind` of the file.
    public static let kind = "SignedPolicyBundle"
    /// The `typ` of every signature's header: a signature for anything else is never taken for one on a bundle.
    public static let signatureType = "claviger-policy-bundle+jws"
    /// The largest file that is read, in bytes.
    public static let maximumBytes = PolicyParser.maximumBytes
    /// The most signatures on one bundle.
    public static let maximumSignatures = 16

    /// What is signed.
    public let content: PolicyBundleContent
    /// The detached signatures, not to be believed before ``TrustedPolicyKeys/signers(of:)``.
    public let signatures: [String]

    private init(_ content: PolicyBundleContent, _ signatures: [String]) {
        self.content = content
        self.signatures = signatures
    }

    /// Reads a file, and every document in it; no signature is checked.
    ///
    /// Throws ``PolicyBundleError`` with code `bundle_malformed` or `bundle_invalid`.
    public init(parsing bytes: [UInt8]) throws(PolicyBundleError) {
        let value: JSONValue
        do throws(JSONError) {
            // Three levels more than a document may have.
            value = try JSONValue(parsing: bytes, limits: JSONLimits(maximumBytes: Self.maximumBytes, maximumDepth: 36))
        } catch {
            throw .malformed("The bundle is not acceptable JSON: \(error.message)")
        }
        guard let object = value.objectValue, Set(object.names) == ["apiVersion", "kind", "bundle", "signatures"],
            object["apiVersion"] == .string(PolicyDocument.apiVersion), object["kind"] == .string(Self.kind),
            let bundle = object["bundle"], let list = object["signatures"]?.arrayValue
        else { throw .malformed("A signed bundle has exactly apiVersion, kind (\(Self.kind)), bundle and signatures.") }
        guard list.count <= Self.maximumSignatures else {
            throw .malformed("A bundle has at most \(Self.maximumSignatures) signatures.")
        }
        var signatures: [String] = []
        for element in list {
            guard let text = element.stringValue else { throw .malformed("A signature is not a text.") }
            signatures.append(text)
        }
        self.init(try PolicyBundleContent(json: bundle), signatures)
    }

    /// Whether a text wants to be a signed bundle, well or badly formed, rather than policy documents.
    public static func isOne(_ text: String) -> Bool {
        guard text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return false }
        let limits = JSONLimits(maximumBytes: maximumBytes, maximumDepth: 36)
        guard let value = try? JSONValue(parsing: text, limits: limits) else { return text.contains("\"\(kind)\"") }
        return value["kind"] == .string(kind)
    }

    /// Signs a bundle.
    ///
    /// - Parameter keyID: The header's `kid`; by default the RFC 7638 thumbprint of the key.
    /// - Throws: ``PolicyBundleError`` with code `unusable_key`.
    public init(
        signing content: PolicyBundleContent, with key: SigningKey, keyID: String? = nil
    ) throws(PolicyBundleError) {
        self.init(content, [try Self.sign(content, with: key, keyID: keyID)])
    }

    /// The bundle with one signature more, for brokers that want those of several people.
    ///
    /// Throws ``PolicyBundleError``: `unusable_key`, or `bundle_malformed` when there are too many already.
    public func signed(with key: SigningKey, keyID: String? = nil) throws(PolicyBundleError) -> SignedPolicyBundle {
        guard signatures.count < Self.maximumSignatures else {
            throw .malformed("A bundle has at most \(Self.maximumSignatures) signatures.")
        }
        return SignedPolicyBundle(content, signatures + [try Self.sign(content, with: key, keyID: keyID)])
    }

    /// The file's bytes, indented for people.
    public func serialized() -> [UInt8] {
        let value: JSONValue = [
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": .string(Self.kind), "bundle": content.json,
            "signatures": .array(signatures.map { .string($0) }),
        ]
        return Array((value.pretty() + "\n").utf8)
    }

    private static func sign(
        _ content: PolicyBundleContent, with key: SigningKey, keyID: String?
    ) throws(PolicyBundleError) -> String {
        do throws(JOSEError) {
            return try TrustedSigners.sign(content.canonical, type: signatureType, with: key, keyID: keyID)
        } catch {
            throw PolicyBundleError(code: "unusable_key", message: error.message)
        }
    }
}
