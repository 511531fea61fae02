import Encodings
import X509Trust

/// The one signature inside of a document that covers all the rest of it (W3C XML Signature 1.1, enveloped).
///
/// Only the algorithms of NVIDIA's manifests are known: Canonical XML 1.1, ECDSA on P-384 with SHA-384. What was signed is
/// made from the very tree that is read afterwards, so that no second document can be slipped in.
struct EnvelopedSignature: Sendable {
    /// The certificates in the signature, the signer's first.
    let certificates: [Certificate]
    private let signedInfo: [UInt8]
    private let digest: [UInt8]
    private let signature: [UInt8]

    private static let namespace = "http://www.w3.org/2000/09/xmldsig#"
    private static let canonicalization = "http://www.w3.org/2006/12/xml-c14n11"
    private static let maximumCertificates = 8

    /// Reads the signature of a document, which must be the only one and stand right below its root.
    ///
    /// Throws ``NVIDIAManifestError``.
    init(of document: XMLDocument) throws(NVIDIAManifestError) {
        let signatures = document.root.elements.filter { $0.isNamed("Signature", in: Self.namespace) }
        guard let signature = signatures.first, document.root.count(of: "Signature", in: Self.namespace) == 1 else {
            throw NVIDIAManifestError("It has not exactly one signature, right below its root.")
        }
        let parts = try Self.children(of: signature, ["SignedInfo", "SignatureValue", "KeyInfo"])
        digest = try Self.digest(in: parts[0])
        self.signature = try Self.bytes(parts[1])
        certificates = try Self.certificates(in: parts[2])
        var scope: [String: String] = [:]
        for declaration in document.root.declarations + signature.declarations {
            scope[declaration.prefix] = declaration.namespace
        }
        signedInfo = parts[0].canonical(inherited: scope)
    }

    /// Whether the first certificate's key signed the document that the signature was read from.
    func covers(_ document: XMLDocument) throws(X509Error) -> Bool {
        let content = document.root.canonical { $0.isNamed("Signature", in: Self.namespace) }
        guard try DigestAlgorithm.sha384.hash(content) == digest, let signer = certificates.first else { return false }
        return try signer.publicKey.isValid(signature: signature, over: signedInfo, .ecdsaRaw(.sha384))
    }

    private static func digest(in signedInfo: XMLElement) throws(NVIDIAManifestError) -> [UInt8] {
        let parts = try children(of: signedInfo, ["CanonicalizationMethod", "SignatureMethod", "Reference"])
        try require(parts[0], canonicalization)
        try require(parts[1], "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384")
        // An empty URI is the whole document.
        guard parts[2].attributes.count == 1, parts[2].attribute("URI") == "" else {
            throw NVIDIAManifestError("Its signature is not over the whole document.")
        }
        let reference = try children(of: parts[2], ["Transforms", "DigestMethod", "DigestValue"], attributes: 1)
        let transforms = try children(of: reference[0], ["Transform", "Transform"])
        try require(transforms[0], "http://www.w3.org/2000/09/xmldsig#enveloped-signature")
        try require(transforms[1], canonicalization)
        try require(reference[1], "http://www.w3.org/2001/04/xmldsig-more#sha384")
        return try bytes(reference[2])
    }

    private static func certificates(in keyInfo: XMLElement) throws(NVIDIAManifestError) -> [Certificate] {
        let data = try children(of: keyInfo, ["X509Data"])[0]
        guard (1...maximumCertificates).contains(data.elements.count) else {
            throw NVIDIAManifestError("Its signature does not have 1 to \(maximumCertificates) certificates.")
        }
        let items = try children(of: data, [String](repeating: "X509Certificate", count: data.elements.count))
        var certificates: [Certificate] = []
        for item in items {
            guard let certificate = try? Certificate(der: bytes(item)) else {
                throw NVIDIAManifestError("A certificate in its signature cannot be read.")
            }
            certificates.append(certificate)
        }
        return certificates
    }

    /// The elements of these names, which must be all that an element of the signature holds.
    private static func children(
        of element: XMLElement, _ names: [String], attributes: Int = 0
    ) throws(NVIDIAManifestError) -> [XMLElement] {
        let children = element.elements
        guard children.count == names.count, element.holdsOnlyElements, element.attributes.count == attributes,
            zip(children, names).allSatisfy({ $0.isNamed($1, in: namespace) })
        else { throw NVIDIAManifestError("Its signature holds something else than \(names.joined(separator: ", ")).") }
        return children
    }

    private static func require(_ element: XMLElement, _ algorithm: String) throws(NVIDIAManifestError) {
        guard element.children.isEmpty, element.attributes.count == 1, element.attribute("Algorithm") == algorithm
        else {
            throw NVIDIAManifestError("Its signature is by other means than \(algorithm).")
        }
    }

    private static func bytes(_ element: XMLElement) throws(NVIDIAManifestError) -> [UInt8] {
        guard let text = element.text, element.attributes.isEmpty,
            let bytes = try? Base64.decode(text.filter { $0 != "\n" && $0 != " " })
        else { throw NVIDIAManifestError("A value in its signature is no base64.") }
        return bytes
    }
}
