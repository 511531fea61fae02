public import Encodings
public import RATS

/// Evidence that proves nothing, for development and tests.
public struct SampleAttester: Attester {
    /// Always ``RATS/TEE/sample``.
    public let tee = TEE.sample

    /// A sample attester; see ``AttesterDetection`` for who may use one.
    public init() {}

    /// `{"svn":"1","report_data":"<base64>"}` with the bytes as given, of any length.
    public func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        .object(["svn": "1", "report_data": .string(Base64.encode(reportData))])
    }
}
