import Encodings
import RATS

/// Evidence of NVIDIA GPUs and switches, which programs of NVIDIA or the operator collect: the libraries that can change
/// their binary interface from version to version, and what they do in a process should be no concern of the one that
/// holds the guest's keys.
struct NVIDIAAttester: DeviceAttester {
    private static let nonceSize = 32
    private static let mostDevices = 64
    private static let architectures = ["HOPPER", "BLACKWELL", "LS10"]

    let tee = TEE.nvidia
    /// One for each kind of device.
    let commands: [EvidenceCommand]

    /// `{"device_evidence_list":[{"arch","uuid","evidence","certificate"}]}`; the nonce is the first 32 bytes.
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        let nonce = Array((reportData + .zeros(Self.nonceSize)).prefix(Self.nonceSize))
        var list: [JSONValue] = []
        for command in commands {
            let output = try await HardwareWork.run { () throws(GuestError) in try command.output(nonce: nonce) }
            list += try Self.devices(in: output, of: command)
        }
        guard !list.isEmpty, list.count <= Self.mostDevices else {
            throw GuestError(
                .evidence, "The commands report \(list.count) devices; 1 to \(Self.mostDevices) make sense.")
        }
        return ["device_evidence_list": .array(list)]
    }

    /// The devices in a list, or in the member `evidences` (nvattest) or `device_evidence_list` of an object.
    static func devices(in output: [UInt8], of command: EvidenceCommand) throws(GuestError) -> [JSONValue] {
        let limits = JSONLimits(maximumBytes: EvidenceCommand.mostOutputBytes)
        guard let value = try? JSONValue(parsing: output, limits: limits) else {
            throw GuestError(.evidence, "\(command.path) did not print JSON.")
        }
        if let code = value["result_code"], code != 0 {
            let text = value["result_message"]?.stringValue ?? ""
            throw GuestError(
                .evidence, "\(command.path) failed with code \(code): \(String(text.prefix(200)).printable)")
        }
        let list = value.arrayValue ?? value["evidences"]?.arrayValue ?? value["device_evidence_list"]?.arrayValue
        guard let list else { throw GuestError(.evidence, "\(command.path) printed no list of evidence.") }
        var devices: [JSONValue] = []
        for entry in list { devices.append(try device(entry, of: command)) }
        return devices
    }

    private static func device(_ entry: JSONValue, of command: EvidenceCommand) throws(GuestError) -> JSONValue {
        guard let architecture = entry["arch"]?.stringValue?.uppercased(), architectures.contains(architecture),
            let evidence = entry["evidence"]?.stringValue, !evidence.isEmpty,
            let certificate = entry["certificate"]?.stringValue, !certificate.isEmpty
        else {
            throw GuestError(
                .evidence,
                "\(command.path) printed evidence without certificate, or of an architecture other than "
                    + architectures.joined(separator: ", ") + ".")
        }
        return [
            "arch": .string(architecture), "uuid": .string(entry["uuid"]?.stringValue ?? "unknown"),
            "evidence": .string(evidence), "certificate": .string(certificate),
        ]
    }
}
