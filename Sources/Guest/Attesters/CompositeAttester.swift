import Encodings
import RATS

/// Something that proves what a device is which belongs to the guest.
protocol DeviceAttester: Sendable {
    /// The kind of device.
    var tee: TEE { get }

    /// Evidence of all devices of this kind.
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue
}

/// A guest and the devices that it uses. Evidence of one device that cannot be had is evidence of none: nobody is to believe
/// that there was no such device.
struct CompositeAttester: Attester {
    let primary: any Attester
    let devices: [any DeviceAttester]

    var tee: TEE { primary.tee }
    var additionalTEEs: [TEE] { devices.map(\.tee) }

    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        try await primary.evidence(reportData: reportData)
    }

    func boundData(digest: [UInt8], nonce: String) throws(GuestError) -> [UInt8] {
        try primary.boundData(digest: digest, nonce: nonce)
    }

    func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String {
        var object = JSONObject()
        for device in devices {
            do throws(GuestError) {
                object[device.tee.rawValue] = try await device.evidence(reportData: reportData)
            } catch {
                throw GuestError(
                    .evidence, "No \(device.tee.rawValue) evidence: \(error.message)", systemError: error.systemError)
            }
        }
        return object.isEmpty ? "" : JSONValue.object(object).serializedString()
    }
}
