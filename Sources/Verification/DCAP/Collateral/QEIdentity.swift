import FoundationEssentials
import RATS

/// Intel's description of its quoting enclave (QE identity, version 2).
struct QEIdentity: Sendable {
    let kind: CollateralName.IntelQuoteKind
    let issued: Date
    let nextUpdate: Date
    let evaluationNumber: UInt32
    let miscSelect: [UInt8]
    let miscSelectMask: [UInt8]
    let attributes: [UInt8]
    let attributesMask: [UInt8]
    let signer: [UInt8]
    let productID: UInt16
    /// From the highest to the lowest.
    let levels: [EnclaveLevel]

    static let title = "identity of the quoting enclave"

    /// Reads the signed object. Throws `malformed_collateral` and `unsupported_collateral_version`.
    init(_ object: IntelObject) throws(VerificationError) {
        let version: UInt32 = try object.integer("version")
        guard version == 2 else {
            throw VerificationError(
                code: "unsupported_collateral_version",
                message:
                    "The identity of the quoting enclave has version \(version), and only version 2 is used: fetch it from version 4 of Intel's service."
            )
        }
        switch try object.text("id") {
        case "QE": kind = .sgx
        case "TD_QE": kind = .tdx
        default: throw object.malformed("“id” is neither QE nor TD_QE")
        }
        issued = try object.date("issueDate")
        nextUpdate = try object.date("nextUpdate")
        evaluationNumber = try object.integer("tcbEvaluationDataNumber")
        miscSelect = try object.bytes("miscselect", count: 4)
        miscSelectMask = try object.bytes("miscselectMask", count: 4)
        attributes = try object.bytes("attributes", count: 16)
        attributesMask = try object.bytes("attributesMask", count: 16)
        signer = try object.bytes("mrsigner", count: 32)
        productID = try object.integer("isvprodid")
        levels = try EnclaveLevel.all(object)
    }

    /// What Intel says of the enclave that signed a quote with this report.
    ///
    /// Throws `qe_identity_mismatch` for another enclave, and `tcb_unsupported` for one below all levels.
    func rating(of report: EnclaveReport) throws(VerificationError) -> TCBRating {
        let actual = Array(report[.attributeFlags]) + report[.attributeFeatures]
        guard Self.masked(Array(report[.miscSelect]), miscSelectMask) == Self.masked(miscSelect, miscSelectMask) else {
            throw .quotingEnclave("its MISCSELECT differs")
        }
        guard Self.masked(actual, attributesMask) == Self.masked(attributes, attributesMask) else {
            throw .quotingEnclave("its attributes differ, as those of a debug enclave do")
        }
        guard report[.signerMeasurement].elementsEqual(signer) else { throw .quotingEnclave("somebody else signed it") }
        guard report.integer(.productID) == UInt64(productID) else { throw .quotingEnclave("it is another product") }
        guard let rating = levels.rating(of: report.integer(.securityVersion)) else {
            throw .unsupportedTCB("the quoting enclave's version")
        }
        return rating
    }

    private static func masked(_ bytes: [UInt8], _ mask: [UInt8]) -> [UInt8] { zip(bytes, mask).map { $0 & $1 } }
}
