import Encodings
import RATS

/// A report that a Hygon accelerator (DCU) signed about itself.
package struct DCUReport: Sendable, Hashable {
    /// The form of the report.
    package let version: UInt32
    /// The accelerator, 16 bytes.
    package let chipID: [UInt8]
    /// What the guest had signed, 64 bytes.
    package let userData: [UInt8]
    /// The measurement of the firmware, 32 bytes.
    package let measure: [UInt8]
    /// 128 bytes that nothing is known of.
    package let reserved: [UInt8]
    /// What the report says that its signature is for.
    package let signatureUsage: UInt32
    /// What the report says that it is signed with.
    package let signatureAlgorithm: UInt32
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// The size of a report.
    package static let byteCount = 396

    /// Reads a report, all of the bytes; numbers are little-endian. Throws `malformed_evidence`.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The DCU report")
        version = try reader.u32LE()
        chipID = try reader.bytes(16)
        userData = try reader.bytes(64)
        measure = try reader.bytes(32)
        reserved = try reader.bytes(128)
        signatureUsage = try reader.u32LE()
        signatureAlgorithm = try reader.u32LE()
        signed = Array(bytes[..<reader.position])
        signature = try CSVKey.signature(&reader)
        try reader.requireEnd()
        guard chipID.contains(where: { $0 != 0 }) else { throw reader.malformed("It names no chip.") }
    }

    /// Reads a report field by field, as csv-rs names them (`body`, `sig`), or in base64 of all its bytes.
    init(_ value: JSONValue) throws(VerificationError) {
        if let bytes = CSVFields.bytes(value, atMost: Self.byteCount) {
            try self.init(parsing: bytes)
            return
        }
        guard let body = value["body"] else { throw .malformed("A DCU report has no body.") }
        var bytes = try CSVFields.number(body["version"], 4) + CSVFields.array(body["chip_id"], 16)
        bytes += try CSVFields.array(body["user_data"], 64) + CSVFields.array(body["measure"], 32)
        bytes += try CSVFields.array(body["reserved"], 128) + CSVFields.number(body["sig_usage"], 4)
        bytes += try CSVFields.number(body["sig_algo"], 4)
        try self.init(parsing: bytes + CSVFields.signature(value["sig"]))
    }

    /// Whether a chip's key signed the report. What the report says of usage and algorithm is signed with the rest, and not
    /// believed more than that: there is one algorithm.
    func isSigned(by chip: CSVPlatformCertificate) -> Bool { chip.key.signed(signed, signature) }

    /// The claims; bytes in hexadecimal digits, and usage and algorithm as numbers in them.
    var claims: JSONObject {
        [
            "body": [
                "version": .int(Int64(version)), "chip_id": hex(chipID), "user_data": hex(userData),
                "measure": hex(measure), "reserved": hex(reserved),
                "sig_usage": .string(String(signatureUsage, radix: 16)),
                "sig_algo": .string(String(signatureAlgorithm, radix: 16)),
            ],
            "report_data": hex(userData),
        ]
    }

    private func hex(_ bytes: [UInt8]) -> JSONValue { .string(Hex.encode(bytes)) }
}
