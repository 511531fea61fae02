import Glibc
import KBSProtocol

/// Reports through `/dev/csv-guest` (Documentation/virt/coco/csv-guest.rst of Hygon's kernels).
struct CSVGuestDevice: Sendable {
    /// A report.
    struct Report: Sendable, Hashable {
        /// All bytes that the secure processor wrote.
        let bytes: [UInt8]
        /// Whether it is of the form that can name runtime registers.
        let isExtended: Bool
        /// The certificate of the key that signed it (PEK), 2084 bytes.
        let platformKey: [UInt8]
        /// The chip, 64 bytes of text and zeros.
        let serialNumber: [UInt8]
    }

    static let path = "/dev/csv-guest"
    static let magic = Array("ATTESTATION_EXT\0".utf8)
    /// CSV_CMD_GET_REPORT: `_IOWR('D', 1, struct csv_report_req)`.
    static let getReport: UInt = 0xC010_4401
    private static let size = 4096
    private static let nonceRange = 128..<144
    private static let maskRange = 188..<192
    /// Certificate, serial number and reserved bytes, then the MAC.
    private static let signerSize = CSVCertificate.size + 64 + 32

    let kernel: any Kernel
    /// A nonce of 16 bytes of the agent's own; tests give theirs.
    var nonce: @Sendable () -> [UInt8] = { (0..<16).map { _ in UInt8.random(in: .min ... .max) } }

    /// A report over up to 64 bytes; in the extended form where the firmware has it.
    ///
    /// - Throws: `system_failed`, and `evidence_failed` when the report is not the one that was asked for.
    func report(over reportData: [UInt8]) throws(GuestError) -> Report {
        let nonce = nonce()
        let field = try ReportDataField.padded(reportData)
        let answer = try kernel.control(Self.path, Self.request(over: field, nonce: nonce))
        guard answer.succeeded else { throw .system("make a report with", Self.path, answer.systemError) }
        let bytes = answer.buffers[0]
        if Array(bytes[Self.nonceRange]) == nonce, Array(bytes[64..<128]) == field {
            return try Self.report(bytes, signerAt: 0x490, mask: [0, 0, 0, 0], isExtended: true, nonce: nonce)
        }
        // The older form has a mask of four bytes over everything.
        let mask = Array(bytes[Self.maskRange])
        guard Self.unmasked(bytes[Self.nonceRange], mask) == nonce, Self.unmasked(bytes[64..<128], mask) == field else {
            throw GuestError(.evidence, "The secure processor's report is not for this request.")
        }
        return try Self.report(bytes, signerAt: 0x150, mask: mask, isExtended: false, nonce: nonce)
    }

    /// The request, which the report is written over: data, nonce, their SM3 digest, and the wish for the extended form.
    static func request(over field: [UInt8], nonce: [UInt8]) -> DeviceRequest {
        var buffer = field + nonce + HashAlgorithm.sm3.digest(of: field + nonce) + magic
        buffer.appendLittleEndian(UInt32(1))
        buffer += .zeros(size - buffer.count)
        // struct csv_report_req: address and size of the buffer.
        var argument = [UInt8].zeros(8)
        argument.appendLittleEndian(UInt32(size))
        argument += .zeros(4)
        return DeviceRequest(
            number: getReport, argument: argument, buffers: [buffer], pointers: [.init(in: .argument, at: 0, to: 0)])
    }

    private static func report(
        _ bytes: [UInt8], signerAt start: Int, mask: [UInt8], isExtended: Bool, nonce: [UInt8]
    ) throws(GuestError) -> Report {
        let signer = Array(bytes[start..<start + signerSize])
        guard mac(of: signer, key: nonce) == Array(bytes[start + signerSize..<start + signerSize + 32]) else {
            throw GuestError(
                .evidence, "The secure processor's report has a wrong checksum over its key's certificate.")
        }
        let plain = unmasked(signer[...], mask)
        return Report(
            bytes: bytes, isExtended: isExtended, platformKey: Array(plain[..<CSVCertificate.size]),
            serialNumber: Array(plain[CSVCertificate.size..<CSVCertificate.size + 64]))
    }

    private static func unmasked(_ bytes: ArraySlice<UInt8>, _ mask: [UInt8]) -> [UInt8] {
        bytes.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    /// HMAC (RFC 2104) with SM3.
    static func mac(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        let block = key + .zeros(64 - key.count)
        let inner = HashAlgorithm.sm3.digest(of: block.map { $0 ^ 0x36 } + message)
        return HashAlgorithm.sm3.digest(of: block.map { $0 ^ 0x5C } + inner)
    }
}
