import Encodings
import X509TestSupport
import X509Trust

/// A manifest of registers before it is signed.
package struct SimulatedManifest: Sendable {
    /// `GPU` or `SWITCH`.
    package var edition: String
    /// The chip.
    package var chip: String
    /// The version of driver or firmware.
    package var version: String
    /// The registers that count with their values, by the manifest's index from 0.
    package var registers: [Int: [[UInt8]]]

    package init(edition: String = "GPU", chip: String, version: String, registers: [Int: [[UInt8]]]) {
        (self.edition, self.chip, self.version, self.registers) = (edition, chip, version, registers)
    }

    /// The XML with an enveloped signature.
    package func signed(by key: TestKey, chain: [Certificate]) throws -> [UInt8] {
        let namespace = "http://www.w3.org/2000/09/xmldsig#"
        let unsigned = try XMLDocument(parsing: text(digest: "", signature: "", chain)).root
        let content = unsigned.canonical { $0.isNamed("Signature", in: namespace) }
        let digest = Base64.encode(try DigestAlgorithm.sha384.hash(content))
        let document = try XMLDocument(parsing: text(digest: digest, signature: "", chain)).root
        guard let signature = document.elements.first(where: { $0.isNamed("Signature", in: namespace) }),
            let signedInfo = signature.elements.first
        else { throw SimulationError("no signature") }
        var scope: [String: String] = [:]
        for declaration in document.declarations + signature.declarations {
            scope[declaration.prefix] = declaration.namespace
        }
        let value = try key.sign(signedInfo.canonical(inherited: scope), .ecdsaRaw(.sha384))
        return text(digest: digest, signature: Base64.encode(value), chain)
    }

    private var resources: String {
        (0..<64).map { index in
            let values = registers[index] ?? [[UInt8](repeating: 0, count: 48)]
            let hashes = values.enumerated().map { #" ns2:Hash\#($0)="\#(Hex.encode($1))""# }.joined()
            return
                #"<ns0:Resource type="Measurement" index="\#(index)" active="\#(registers[index] == nil ? "False" : "True")""#
                + #" alternatives="\#(values.count)"\#(hashes) name="Measurement_\#(index)" size="48"/>"#
        }.joined(separator: "\n")
    }

    private func text(digest: String, signature: String, _ chain: [Certificate]) -> [UInt8] {
        let swid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
        let form = "http://www.w3.org/2006/12/xml-c14n11"
        let certificates = chain.map { "<ds:X509Certificate>\(Base64.encode($0.der))\n</ds:X509Certificate>" }.joined()
        return Array(
            """
            <SoftwareIdentity xmlns="\(swid)" xmlns:ns0="\(swid)" xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384" \
            name="\(chip)" tagId="0123456789abcdef" version="1.0" tagVersion="0">
            <ns0:Entity name="NVIDIA Corporation" role="softwareCreator tagCreator"/>
            <ns0:Meta colloquialVersion="\(version)" edition="\(edition)" product="\(chip)" revision="r1"/>
            <ns0:Payload>\(resources)</ns0:Payload>
            <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>\
            <ds:CanonicalizationMethod Algorithm="\(form)"/>\
            <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"/>\
            <ds:Reference URI=""><ds:Transforms>\
            <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>\
            <ds:Transform Algorithm="\(form)"/></ds:Transforms>\
            <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"/>\
            <ds:DigestValue>\(digest)</ds:DigestValue></ds:Reference></ds:SignedInfo>\
            <ds:SignatureValue>\(signature)</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\(certificates)</ds:X509Data>\
            </ds:KeyInfo></ds:Signature></SoftwareIdentity>
            """.utf8)
    }
}
