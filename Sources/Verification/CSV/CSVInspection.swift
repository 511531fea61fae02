package import Encodings
package import RATS

/// CSV evidence without the certificates of its chip, so that only the platform's own signature could be verified: for
/// people who look at recorded evidence.
package struct CSVInspection: Sendable {
    /// The report that the platform's key signed.
    package let report: CSVReport
    /// The chip's serial number, as the sender says it.
    package let serialNumber: String

    /// Throws `malformed_evidence`, `unsupported_version` and `signature_invalid`.
    package init(content: JSONValue) throws(VerificationError) {
        let presented = try CSVEvidence(content)
        guard presented.report.isSigned(by: presented.platform) else { throw .signatureInvalid("the CSV report") }
        report = presented.report
        serialNumber = presented.serialNumber
    }
}
