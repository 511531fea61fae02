import Encodings
import RATS

/// The evidence of the kinds `sample` and `sampledevice`: a version and the report data, signed by nobody.
struct SampleEvidence {
    let svn: String
    /// The base64 text as sent.
    let reportDataText: String
    let matchedReportData: Int

    /// Reads the evidence and finds the digest that it carries.
    ///
    /// Throws `malformed_evidence` when it has another form and `report_data_mismatch` when the report data is not
    /// exactly one of the digests, whole and unpadded.
    init(_ content: JSONValue, binding: EvidenceBinding) throws(VerificationError) {
        guard let object = content.objectValue, let svn = object["svn"]?.stringValue else {
            throw VerificationError(code: "malformed_evidence", message: "Sample evidence needs a text svn.")
        }
        let reportData = try Self.reportData(content)
        guard let index = binding.candidate(equalTo: reportData.bytes) else {
            throw VerificationError(
                code: "report_data_mismatch",
                message: "The report data is not the digest of this session's nonce and key.")
        }
        self.svn = svn
        reportDataText = reportData.text
        matchedReportData = index
    }

    /// The report data as sent and decoded. Throws `malformed_evidence`.
    static func reportData(_ content: JSONValue) throws(VerificationError) -> (text: String, bytes: [UInt8]) {
        let reportData = content.objectValue?["report_data"] ?? .string("")
        guard let text = reportData.stringValue, let digest = try? Base64.decode(text) else {
            throw VerificationError(code: "malformed_evidence", message: "The report data is not canonical base64.")
        }
        return (text, digest)
    }
}
