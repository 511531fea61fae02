public import Encodings
public import FoundationEssentials
public import JOSE
import RATS

/// Items of collateral for a site that has no network, with the signatures of those who vouch for the transport.
///
/// The file is a JSON object with `apiVersion`, `kind: SignedCollateralBundle`, `bundle` (the signed object) and `signatures`, a
/// list of detached JWS (RFC 7515 appendix F) over the canonical form (RFC 8785) of `bundle`. The signatures say who may feed a
/// broker; each item is still verified to the manufacturer's root before it is kept.
public struct CollateralBundle: Sendable {
    /// The largest file that is read or written, in bytes.
    public static let maximumBytes = 12 << 20
    /// The `typ` of every signature's header.
    public static let signatureType = "claviger-collateral-bundle+jws"
    static let apiVersion = "claviger.dev/v1alpha1"
    static let contentKind = "CollateralBundle"
    static let kind = "SignedCollateralBundle"
    private static let maximumSignatures = 16
    private static let limits = JSONLimits(maximumBytes: maximumBytes, maximumDepth: 8)

    /// What is signed.
    public let content: JSONObject
    /// The items, ordered by name.
    public let items: [CollateralBundleItem]
    /// The detached signatures, not to be believed before ``verify(by:)``.
    public let signatures: [String]

    /// A bundle without signatures.
    ///
    /// - Parameter created: When it is made; for people.
    /// - Throws: ``CollateralBundleError`` with code `bundle_too_large`.
    public init(items: [CollateralBundleItem], created: Date) throws(CollateralBundleError) {
        let sorted = items.sorted { $0.name < $1.name }
        content = [
            "apiVersion": .string(Self.apiVersion), "kind": .string(Self.contentKind),
            "created": .string(created.formatted(.iso8601)), "items": .array(sorted.map { .object($0.json) }),
        ]
        self.items = sorted
        signatures = []
        // Room for the signatures and for the white space that people like.
        guard content.serialized().count < Self.maximumBytes / 2 else {
            throw CollateralBundleError(
                code: "bundle_too_large", message: "That is too much for one bundle: export a part of it (--prefix).")
        }
    }

    private init(_ content: JSONObject, _ items: [CollateralBundleItem], _ signatures: [String]) {
        self.content = content
        self.items = items
        self.signatures = signatures
    }

    /// Reads a file; no signature is checked.
    ///
    /// - Throws: ``CollateralBundleError`` with code `bundle_malformed`.
    public init(parsing bytes: [UInt8]) throws(CollateralBundleError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes, limits: Self.limits)
        } catch {
            throw .malformed("The bundle is not acceptable JSON: \(error.description)")
        }
        guard let object = value.objectValue, Set(object.names) == ["apiVersion", "kind", "bundle", "signatures"],
            object["apiVersion"] == .string(Self.apiVersion), object["kind"] == .string(Self.kind),
            let bundle = object["bundle"]?.objectValue, let list = object["signatures"]?.arrayValue
        else {
            throw .malformed("A signed bundle has exactly apiVersion, kind (\(Self.kind)), bundle and signatures.")
        }
        let signatures = list.compactMap(\.stringValue)
        guard signatures.count == list.count, list.count <= Self.maximumSignatures else {
            throw .malformed("A bundle has at most \(Self.maximumSignatures) signatures, each a text.")
        }
        self.init(bundle, try Self.items(of: bundle), signatures)
    }

    /// Reads the object that is signed, as a broker hands it out.
    ///
    /// - Throws: ``CollateralBundleError`` with code `bundle_malformed`.
    public init(content: JSONObject) throws(CollateralBundleError) {
        self.init(content, try Self.items(of: content), [])
    }

    private static func items(of bundle: JSONObject) throws(CollateralBundleError) -> [CollateralBundleItem] {
        guard Set(bundle.names) == ["apiVersion", "kind", "created", "items"],
            bundle["apiVersion"] == .string(apiVersion), bundle["kind"] == .string(contentKind),
            bundle["created"]?.stringValue != nil, let list = bundle["items"]?.arrayValue
        else { throw .malformed("A bundle has exactly apiVersion, kind (\(contentKind)), created and items.") }
        var items: [CollateralBundleItem] = []
        for element in list {
            guard let item = element.objectValue.flatMap({ CollateralBundleItem(json: $0) }) else {
                throw .malformed("Item \(items.count + 1) of the bundle is malformed.")
            }
            if let last = items.last, item.name <= last.name {
                throw .malformed("The items are not ordered, or \(item.name) is given twice.")
            }
            items.append(item)
        }
        return items
    }

    /// The bundle with one signature more.
    ///
    /// - Parameter keyID: The header's `kid`; by default the RFC 7638 thumbprint of the key.
    /// - Throws: ``CollateralBundleError`` with code `unusable_key`.
    public func signed(with key: SigningKey, keyID: String? = nil) throws(CollateralBundleError) -> CollateralBundle {
        let payload = try payload()
        do throws(JOSEError) {
            let signature = try TrustedSigners.sign(payload, type: Self.signatureType, with: key, keyID: keyID)
            return CollateralBundle(content, items, signatures + [signature])
        } catch {
            throw CollateralBundleError(code: "unusable_key", message: error.message)
        }
    }

    /// Who signed the bundle, when that is enough.
    ///
    /// - Throws: ``CollateralBundleError``: `bundle_unsigned`, `unknown_signer`, `invalid_signature`, `too_few_signers` or
    ///   `bundle_malformed`.
    public func verify(by trusted: TrustedSigners) throws(CollateralBundleError) -> [DetachedSigner] {
        let payload = try payload()
        do throws(JOSEError) {
            return try trusted.signers(of: payload, signatures: signatures, type: Self.signatureType)
        } catch {
            throw CollateralBundleError(error)
        }
    }

    private func payload() throws(CollateralBundleError) -> [UInt8] {
        do throws(JSONError) {
            return try content.canonical()
        } catch {
            throw .malformed("The bundle has no canonical form: \(error.message)")
        }
    }

    /// The file's bytes, indented for people.
    public func serialized() -> [UInt8] {
        let value: JSONValue = [
            "apiVersion": .string(Self.apiVersion), "kind": .string(Self.kind), "bundle": .object(content),
            "signatures": .array(signatures.map { .string($0) }),
        ]
        return Array((value.pretty() + "\n").utf8)
    }
}

/// Why a bundle of collateral was refused.
public struct CollateralBundleError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable word for programs: `bundle_malformed`, `bundle_too_large`, `bundle_unsigned`, `unknown_signer`,
    /// `invalid_signature`, `too_few_signers` or `unusable_key`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }

    static func malformed(_ message: String) -> CollateralBundleError {
        CollateralBundleError(code: "bundle_malformed", message: message)
    }

    init(_ error: JOSEError) {
        let code =
            switch error.code {
            case "unsigned": "bundle_unsigned"
            case "unknown_signer", "invalid_signature", "too_few_signers": error.code
            default: "bundle_malformed"
            }
        self.init(code: code, message: "The signatures of the bundle are not good: \(error.message)")
    }
}
