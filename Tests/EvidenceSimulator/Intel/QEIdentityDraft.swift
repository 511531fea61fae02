import Encodings
import Foundation
import RATS

/// The identity of the quoting enclave before it is signed.
package struct QEIdentityDraft: Sendable {
    /// Who signed the quoting enclave of the simulation, 32 bytes.
    package static let signer = [UInt8](repeating: 0x8C, count: 32)

    /// For SGX or TDX.
    package var kind: CollateralName.IntelQuoteKind
    /// When it was issued.
    package var issued: Date
    /// When the next one is due.
    package var nextUpdate: Date
    /// The evaluation number.
    package var evaluationNumber = 17
    /// Who signed the enclave, 32 bytes.
    package var signer = Self.signer
    /// The product.
    package var productID: UInt8
    /// Status of each security version, from the highest to the lowest.
    package var levels: [(securityVersion: Int, status: String)] = [(8, "UpToDate"), (4, "OutOfDate")]

    /// A current document that describes the simulated enclave.
    package init(_ kind: CollateralName.IntelQuoteKind, at now: Date) {
        self.kind = kind
        productID = Self.productID(kind)
        issued = now.addingTimeInterval(-86_400)
        nextUpdate = now.addingTimeInterval(30 * 86_400)
    }

    /// Intel's enclave for quotes about enclaves is product 1, the one for trust domains product 2.
    static func productID(_ kind: CollateralName.IntelQuoteKind) -> UInt8 { kind == .sgx ? 1 : 2 }

    /// The object that is signed.
    func json() -> JSONObject {
        [
            "id": kind == .sgx ? "QE" : "TD_QE", "version": 2, "issueDate": time(issued),
            "nextUpdate": time(nextUpdate), "tcbEvaluationDataNumber": .int(Int64(evaluationNumber)),
            "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": hex(signer), "isvprodid": .int(Int64(productID)),
            "tcbLevels": .array(
                levels.map { level in
                    [
                        "tcb": ["isvsvn": .int(Int64(level.securityVersion))], "tcbDate": "2024-03-13T00:00:00Z",
                        "tcbStatus": .string(level.status),
                    ]
                }),
        ]
    }
}
