import Encodings
package import FoundationEssentials
import X509Trust

/// A reference integrity manifest of NVIDIA's: the registers that a version of a driver or of a device's firmware leaves
/// behind (a SWID tag with a signature, ISO/IEC 19770-2 and TCG's Reference Integrity Manifest Information Model).
package struct NVIDIAManifest: Sendable, Hashable {
    /// A register with the values that it may have.
    package struct Register: Sendable, Hashable {
        /// Whether the register counts.
        package let isActive: Bool
        /// The values, 48 bytes each, at least one.
        package let alternatives: [[UInt8]]
    }

    /// What kind of device it is for: `GPU` or `SWITCH`.
    package let edition: String
    /// The chip, such as `GH100`.
    package let chip: String
    /// The version of the driver or firmware, such as `550.144.03` or `96.00.5E.00.01`.
    package let version: String
    /// The identifier that NVIDIA gave it; re-issues have the same.
    package let tagID: String
    /// The registers by the manifest's own index, from 0: one less than in reports.
    package let registers: [Int: Register]
    /// The certificates of the signer.
    package let chain: VerifiedChain

    /// When the signer's certificate was made, which is what tells a re-issue from what it replaces.
    package var issued: Date { chain.leaf.notBefore }

    private static let swid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
    private static let sha384 = "http://www.w3.org/2001/04/xmlenc#sha384"
    private static let registerSize = 48
    private static let maximumRegisters = 255

    /// Reads a manifest and verifies its signature and that the signer leads to an anchor, at the time when the signer's
    /// certificate began to be valid; whether it still is, is asked when the manifest is used.
    ///
    /// Throws ``NVIDIAManifestError``.
    package init(
        parsing bytes: [UInt8], anchors: [PinnedAnchor] = PinnedAnchor.nvidiaManifests
    ) throws(NVIDIAManifestError) {
        let document: XMLDocument
        do throws(XMLError) { document = try XMLDocument(parsing: bytes) } catch {
            throw NVIDIAManifestError("It is no XML that is let in: \(error).")
        }
        chain = try Self.chain(of: document, anchors)
        // From here on nothing is read but what was signed.
        let root = document.root
        guard root.isNamed("SoftwareIdentity", in: Self.swid), let tagID = root.attribute("tagId"),
            (1...256).contains(tagID.utf8.count)
        else { throw NVIDIAManifestError("It is no software identification tag.") }
        self.tagID = tagID
        let meta = try Self.only("Meta", in: root)
        edition = try Self.word("edition", of: meta)
        chip = try Self.word("product", of: meta)
        version = try Self.word("colloquialVersion", of: meta)
        guard root.attribute("name") == chip else { throw NVIDIAManifestError("It names two chips.") }
        registers = try Self.registers(in: Self.only("Payload", in: root))
    }

    private static func chain(
        of document: XMLDocument, _ anchors: [PinnedAnchor]
    ) throws(NVIDIAManifestError) -> VerifiedChain {
        let signature = try EnvelopedSignature(of: document)
        do throws(X509Error) {
            guard try signature.covers(document) else {
                throw X509Error(code: "signature_invalid", message: "Its signature does not verify.")
            }
            let issued = signature.certificates.map(\.notBefore).max() ?? .distantPast
            return try CertificateChain.verify(path: signature.certificates, anchors: anchors, at: issued)
        } catch {
            throw NVIDIAManifestError(error.message, isUntrusted: true)
        }
    }

    private static func only(_ name: String, in root: XMLElement) throws(NVIDIAManifestError) -> XMLElement {
        let found = root.elements.filter { $0.isNamed(name, in: swid) }
        guard let first = found.first, root.count(of: name, in: swid) == 1 else {
            throw NVIDIAManifestError("It has not exactly one \(name).")
        }
        return first
    }

    private static func word(_ name: String, of meta: XMLElement) throws(NVIDIAManifestError) -> String {
        guard let text = meta.attribute(name), (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) })
        else { throw NVIDIAManifestError("It does not say of which \(name) it is.") }
        return text
    }

    private static func registers(in payload: XMLElement) throws(NVIDIAManifestError) -> [Int: Register] {
        let resources = payload.elements
        guard (1...maximumRegisters).contains(resources.count), payload.holdsOnlyElements else {
            throw NVIDIAManifestError("It does not list 1 to \(maximumRegisters) registers.")
        }
        var registers: [Int: Register] = [:]
        for resource in resources {
            guard resource.isNamed("Resource", in: swid), resource.attribute("type") == "Measurement",
                let index = resource.attribute("index").flatMap({ number($0) }), index < maximumRegisters,
                resource.attribute("size") == String(registerSize),
                registers.updateValue(try register(resource), forKey: index) == nil
            else { throw NVIDIAManifestError("A register is there twice, or is none of 48 bytes.") }
        }
        return registers
    }

    private static func register(_ resource: XMLElement) throws(NVIDIAManifestError) -> Register {
        let hashes = resource.attributes.filter { $0.namespace == sha384 }
        guard let isActive = ["True": true, "False": false][resource.attribute("active") ?? ""], !hashes.isEmpty,
            resource.attribute("alternatives").flatMap({ number($0) }) == hashes.count
        else { throw NVIDIAManifestError("A register does not say how many values it may have, or whether it counts.") }
        var alternatives: [[UInt8]] = []
        for index in hashes.indices {
            guard let text = resource.attribute("Hash\(index)", in: sha384), let value = try? Hex.decode(text),
                value.count == registerSize
            else { throw NVIDIAManifestError("A value of a register is no digest by SHA-384.") }
            alternatives.append(value)
        }
        return Register(isActive: isActive, alternatives: alternatives)
    }

    private static func number(_ text: String) -> Int? {
        guard text.utf8.count <= 3, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}

/// Why a manifest cannot be used.
public struct NVIDIAManifestError: Error, Sendable, Hashable {
    /// A sentence for the operator.
    public let message: String
    /// Whether it is well-formed but not signed by somebody who may.
    public let isUntrusted: Bool

    init(_ message: String, isUntrusted: Bool = false) {
        self.message = message
        self.isUntrusted = isUntrusted
    }
}
