import Encodings
import RATS

/// The device counterpart of ``SampleAttester``: evidence that proves nothing.
struct SampleDeviceAttester: DeviceAttester {
    let tee = TEE.sampledevice

    /// `{"svn":"2","report_data":"<base64>"}` with the bytes as given, of any length.
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        ["svn": "2", "report_data": .base64(reportData)]
    }
}
