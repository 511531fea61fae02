import Encodings
package import RATS

/// What a host says of its platform when it asks for a session: firmware and certificates, as kbs-types' `SevRequest` has
/// them. Older clients send the object as a text.
package struct SEVRequest: Sendable {
    package let firmware: SEVFirmware
    package let chain: SEVPresentedChain
    /// Whether the object was a text, so that the answer is one too.
    let isText: Bool

    private static let maximumTextBytes = 262_144

    /// Throws `malformed_evidence`.
    package init(_ parameters: JSONValue?) throws(VerificationError) {
        var content = parameters ?? .null
        if let text = content.stringValue {
            guard text.utf8.count <= Self.maximumTextBytes, let value = try? JSONValue(parsing: Array(text.utf8)) else {
                throw .malformed("The extra-params of a SEV request are no JSON object.")
            }
            content = value
            isText = true
        } else {
            isText = false
        }
        guard let build = content["build"], let version = build["version"], let chain = content["chain"],
            let platform = chain["sev"]
        else { throw .malformed("The extra-params of a SEV request need build and chain.") }
        firmware = SEVFirmware(
            api: SEVInterfaceVersion(major: try Self.byte(version["major"]), minor: try Self.byte(version["minor"])),
            build: try Self.byte(build["build"]))
        func certificate(_ name: String) throws(VerificationError) -> [UInt8] {
            try Self.bytes(platform[name], name, atMost: SEVCertificate.byteCount)
        }
        self.chain = SEVPresentedChain(
            pdh: try certificate("pdh"), pek: try certificate("pek"), oca: try certificate("oca"),
            cek: try certificate("cek"), authorities: try Self.authorities(chain["ca"]))
    }

    private static func authorities(
        _ value: JSONValue?
    ) throws(VerificationError) -> SEVPresentedChain.Authorities? {
        guard let value, !value.isNull else { return nil }
        let limit = SEVAuthorityCertificate.maximumByteCount
        return SEVPresentedChain.Authorities(
            ask: try bytes(value["ask"], "ask", atMost: limit), ark: try bytes(value["ark"], "ark", atMost: limit))
    }

    private static func byte(_ value: JSONValue?) throws(VerificationError) -> UInt8 {
        guard let number = value?.uintValue, let byte = UInt8(exactly: number) else {
            throw .malformed("A version in a SEV request is missing or no number up to 255.")
        }
        return byte
    }

    private static func bytes(
        _ value: JSONValue?, _ name: String, atMost limit: Int
    ) throws(VerificationError) -> [UInt8] {
        guard let bytes = CSVFields.bytes(value, atMost: limit) else {
            throw .malformed("The certificate \(name) is missing, or is not a list of at most \(limit) bytes.")
        }
        return bytes
    }
}
