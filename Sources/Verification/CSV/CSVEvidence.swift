import Encodings
import RATS

/// The evidence of kind `csv`: a report, and Hygon's certificates field by field, as csv-rs names them.
///
/// In place of a list of bytes, and of the fields of a certificate, base64 of the bytes may stand.
struct CSVEvidence: Sendable {
    let report: CSVReport
    let platform: CSVPlatformCertificate
    /// The chip's certificate and its issuer's; `nil` when the guest left them to the verifier.
    let chip: (authority: CSVAuthorityCertificate, certificate: CSVPlatformCertificate)?
    /// The chip's serial number without the zeros after it, as the sender says it: neither report nor certificates sign it.
    let serialNumber: String
    let eventLog: EventLog?

    init(_ content: JSONValue) throws(VerificationError) {
        guard let report = content["attestation_report"], let data = CSVFields.bytes(report["data"], atMost: 4096),
            let magic = CSVFields.bytes(report["magic"], atMost: 16), magic.count == 16,
            let flags = report["flags"]?.uintValue, let chain = content["cert_chain"], let pek = chain["pek"]
        else { throw .malformed("CSV evidence needs attestation_report and cert_chain.") }
        self.report = try CSVReport(parsing: data, magic: magic, flags: flags)
        platform = try CSVPlatformCertificate(
            parsing: CSVFields.platformKey(pek), "The certificate of the platform's key")
        // What signed is what the report names, and not what was put beside it.
        guard platform.bytes == self.report.signer else {
            throw .malformed("The certificate of the platform's key is not the one in the report.")
        }
        if let pair = chain["hsk_cek"], !pair.isNull {
            guard let hsk = pair["hsk"], let cek = pair["cek"] else { throw .malformed("hsk_cek is incomplete.") }
            chip = (
                try CSVAuthorityCertificate(parsing: CSVFields.authority(hsk), "The signing key's certificate"),
                try CSVPlatformCertificate(parsing: CSVFields.platformKey(cek), "The chip's certificate")
            )
        } else {
            chip = nil
        }
        guard let serial = CSVFields.bytes(content["serial_number"], atMost: 64), serial == self.report.serialNumber
        else {
            throw .malformed("serial_number is not the one in the report.")
        }
        serialNumber = try Self.text(serial)
        eventLog = try Self.eventLog(content["cc_eventlog"])
    }

    private static func text(_ bytes: [UInt8]) throws(VerificationError) -> String {
        let name = bytes.prefix { $0 != 0 }
        guard !name.isEmpty, bytes[name.count...].allSatisfy({ $0 == 0 }),
            name.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
        else { throw .malformed("The chip's serial number is not of digits and capitals.") }
        return String(decoding: name, as: UTF8.self)
    }

    private static func eventLog(_ value: JSONValue?) throws(VerificationError) -> EventLog? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.stringValue, let bytes = try? Base64.decode(text) else {
            throw .malformed("cc_eventlog is no base64 text.")
        }
        return try EventLog.parse(bytes)
    }
}

/// Puts the fields of Hygon's certificates together again, as the bytes that were signed.
enum CSVFields {
    /// Bytes as a list of numbers or in base64, if there are no more than so many.
    static func bytes(_ value: JSONValue?, atMost limit: Int) -> [UInt8]? {
        switch value {
        case .array(let items)? where items.count <= limit: return value?.byteArrayValue
        case .string(let text)? where text.utf8.count <= 2 * limit:
            guard let bytes = try? Base64.decode(text), bytes.count <= limit else { return nil }
            return bytes
        default: return nil
        }
    }

    static func platformKey(_ value: JSONValue) throws(VerificationError) -> [UInt8] {
        if let bytes = bytes(value, atMost: CSVPlatformCertificate.byteCount) { return bytes }
        guard let body = value["body"], let data = body["data"], let key = data["pubkey"],
            let signatures = value["sigs"]?.arrayValue, signatures.count == 2
        else { throw .malformed("A certificate of Hygon's lacks a member.") }
        var bytes = try number(body["ver"], 4) + number(data["firmware"]?["major"], 1)
        bytes += try number(data["firmware"]?["minor"], 1) + number(data["reserved1"], 2)
        bytes += try number(key["usage"], 4) + number(key["algo"], 4) + point(key["key"])
        bytes += try number(data["uid_size"], 2) + array(data["user_id"], 254)
        bytes += try array(data["sid"], 16) + array(data["reserved2"], 608)
        for item in signatures {
            bytes += try number(item["usage"], 4) + number(item["algo"], 4) + signature(item["signature"])
            bytes += try array(item["_reserved"], 368)
        }
        return bytes
    }

    static func authority(_ value: JSONValue) throws(VerificationError) -> [UInt8] {
        if let bytes = bytes(value, atMost: CSVAuthorityCertificate.byteCount) { return bytes }
        guard let body = value["body"], let preamble = body["preamble"], let data = preamble["data"] else {
            throw .malformed("A certificate of Hygon's lacks a member.")
        }
        var bytes = try number(preamble["ver"], 4) + array(data["kid"], 16) + array(data["sid"], 16)
        bytes += try number(data["usage"], 4) + array(data["reserved"], 24) + point(body["pubkey"])
        bytes += try number(body["uid_size"], 2) + array(body["user_id"], 254) + array(body["reserved"], 108)
        return try bytes + signature(value["signature"]) + array(value["_reserved"], 112)
    }

    private static func point(_ value: JSONValue?) throws(VerificationError) -> [UInt8] {
        try number(value?["g"], 4) + array(value?["x"], 72) + array(value?["y"], 72)
    }

    static func signature(_ value: JSONValue?) throws(VerificationError) -> [UInt8] {
        try array(value?["r"], 72) + array(value?["s"], 72)
    }

    static func number(_ value: JSONValue?, _ count: Int) throws(VerificationError) -> [UInt8] {
        guard let number = value?.uintValue, number < 1 << UInt64(8 * count) else {
            throw .malformed("A number in a certificate of Hygon's is missing or too large.")
        }
        return (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }

    static func array(_ value: JSONValue?, _ count: Int) throws(VerificationError) -> [UInt8] {
        guard case .array(let items)? = value, items.count == count, let bytes = value?.byteArrayValue else {
            throw .malformed("A list of bytes in a certificate of Hygon's is missing or has another size.")
        }
        return bytes
    }
}
