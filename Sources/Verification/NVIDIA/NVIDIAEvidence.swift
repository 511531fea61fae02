import Encodings
import RATS
import X509Trust

/// The evidence of the kind `nvidia`: a list of devices, each with its report and the certificates of its key.
package struct NVIDIAEvidence: Sendable {
    /// What one device presented.
    package struct Device: Sendable {
        /// The generation that the sender names.
        package let architecture: NVIDIAArchitecture
        /// The driver's identifier, which nobody signed; `nil` when the sender does not know it.
        package let uuid: String?
        /// The SPDM request and the device's response to it.
        package let report: [UInt8]
        /// The certificates in the order sent, the device's own first.
        package let certificates: [Certificate]
    }

    /// The devices, at least one.
    package let devices: [Device]

    static let maximumDevices = 64
    private static let maximumReport = 16_384
    private static let maximumChainText = 65_536
    private static let maximumCertificates = 8

    /// Reads the document. Throws `malformed_evidence`.
    package init(_ content: JSONValue) throws(VerificationError) {
        guard let list = content["device_evidence_list"]?.arrayValue, (1...Self.maximumDevices).contains(list.count)
        else { throw .malformed("NVIDIA evidence needs a list of 1 to \(Self.maximumDevices) devices.") }
        var devices: [Device] = []
        for item in list { devices.append(try Self.device(item)) }
        self.devices = devices
    }

    private static func device(_ item: JSONValue) throws(VerificationError) -> Device {
        guard let architecture = item["arch"]?.stringValue.flatMap(NVIDIAArchitecture.init(wireName:)) else {
            let known = NVIDIAArchitecture.allCases.map(\.rawValue).joined(separator: ", ")
            throw .malformed("An NVIDIA device is of none of the architectures \(known).")
        }
        var uuid: String?
        if let value = item["uuid"], !value.isNull {
            guard let text = value.stringValue, text.utf8.count <= 128, text.unicodeScalars.allSatisfy(\.isPrintable)
            else { throw .malformed("The identifier of an NVIDIA device is no short text.") }
            uuid = text.isEmpty || text == "unknown" ? nil : text
        }
        return Device(
            architecture: architecture, uuid: uuid, report: try report(item["evidence"]),
            certificates: try certificates(item["certificate"]))
    }

    /// Agents of v0.15 write hexadecimal digits and later ones base64: it is the former only when a report comes of it.
    private static func report(_ value: JSONValue?) throws(VerificationError) -> [UInt8] {
        guard let text = value?.stringValue, text.utf8.count <= 2 * maximumReport else {
            throw .malformed("An NVIDIA device has no report, or one that is too large.")
        }
        if let bytes = try? Hex.decode(text), bytes.starts(with: NVIDIAReport.beginning) { return bytes }
        guard let bytes = try? Base64.decode(text), bytes.count <= maximumReport else {
            throw .malformed("The report of an NVIDIA device is neither base64 nor hexadecimal.")
        }
        return bytes
    }

    private static func certificates(_ value: JSONValue?) throws(VerificationError) -> [Certificate] {
        guard let text = value?.stringValue, text.utf8.count <= maximumChainText, let bytes = try? Base64.decode(text),
            let pem = String(validating: bytes, as: UTF8.self), let all = try? Certificate.all(pem: pem),
            all.count <= maximumCertificates
        else {
            throw .malformed(
                "The certificates of an NVIDIA device are no base64 of 1 to \(maximumCertificates) in PEM.")
        }
        return all
    }
}
