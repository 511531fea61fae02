import Encodings

@testable import Verification

/// A shape in which released agents sent a report as JSON (protocol versions, section 4.1).
enum SNPReportShape: CaseIterable {
    /// Agent v0.6.
    case s1
    /// Agents v0.7 to v0.13.
    case s2
    /// Agent v0.14.
    case s3
    /// Agents from v0.15 on.
    case s4

    /// Whether such agents could send this report without loss.
    func canCarry(_ report: SNPReport) -> Bool { self != .s3 || report.version < 5 }

    /// The report as such an agent sends it.
    func json(_ report: SNPReport, _ bytes: [UInt8]) -> JSONValue {
        func array(_ range: Range<Int>) -> JSONValue { .array(bytes[range].map { .int(Int64($0)) }) }
        func byte(_ offset: Int) -> JSONValue { .int(Int64(bytes[offset])) }
        var object: JSONObject = [
            "version": .int(Int64(report.version)), "guest_svn": .int(Int64(report.guestSVN)),
            "policy": JSONValue(report.policy.rawValue), "family_id": array(0x10..<0x20),
            "image_id": array(0x20..<0x30),
            "vmpl": .int(Int64(report.vmpl)), "sig_algo": 1, "current_tcb": tcb(report, bytes, 0x38),
            "plat_info": JSONValue(report.platformInfo.rawValue), "report_data": array(0x50..<0x90),
            "measurement": array(0x90..<0xC0), "host_data": array(0xC0..<0xE0), "id_key_digest": array(0xE0..<0x110),
            "author_key_digest": array(0x110..<0x140), "report_id": array(0x140..<0x160),
            "report_id_ma": array(0x160..<0x180), "reported_tcb": tcb(report, bytes, 0x180),
            "chip_id": array(0x1A0..<0x1E0), "committed_tcb": tcb(report, bytes, 0x1E0),
            "launch_tcb": tcb(report, bytes, 0x1F0),
        ]
        var signature: JSONObject = ["r": array(0x2A0..<0x2E8), "s": array(0x2E8..<0x330)]
        switch self {
        case .s1, .s2:
            signature["_reserved"] = array(0x330..<0x4A0)
            object["_author_key_en"] = .int(Int64(report.keyInfo.rawValue))
            object["_reserved_0"] = 0
            object["_reserved_1"] = array(0x188..<0x1A0)
            for (name, offset) in [("current", 0x1E8), ("committed", 0x1EC)] {
                object["\(name)_build"] = byte(offset)
                object["\(name)_minor"] = byte(offset + 1)
                object["\(name)_major"] = byte(offset + 2)
            }
            object["_reserved_2"] = 0
            object["_reserved_3"] = 0
            object["_reserved_4"] = array(0x1F8..<0x2A0)
        case .s3, .s4:
            object["key_info"] = .int(Int64(report.keyInfo.rawValue))
            for (index, name) in ["cpuid_fam_id", "cpuid_mod_id", "cpuid_step"].enumerated() {
                object[name] = report.version < 3 ? .null : byte(0x188 + index)
            }
            for (name, offset) in [("current", 0x1E8), ("committed", 0x1EC)] {
                object[name] = ["major": byte(offset + 2), "minor": byte(offset + 1), "build": byte(offset)]
            }
            guard self == .s4 else { break }
            object["launch_mit_vector"] = report.version < 5 ? .null : JSONValue(report.launchMitigations)
            object["current_mit_vector"] = report.version < 5 ? .null : JSONValue(report.currentMitigations)
        }
        object["signature"] = .object(signature)
        return .object(object)
    }

    private func tcb(_ report: SNPReport, _ bytes: [UInt8], _ offset: Int) -> JSONValue {
        let tcb = bytes[offset..<offset + 8].map { JSONValue.int(Int64($0)) }
        switch self {
        case .s1:
            return [
                "boot_loader": tcb[0], "tee": tcb[1], "reserved": .array(Array(tcb[2..<6])), "snp": tcb[6],
                "microcode": tcb[7],
            ]
        case .s2:
            return [
                "bootloader": tcb[0], "tee": tcb[1], "_reserved": .array(Array(tcb[2..<6])), "snp": tcb[6],
                "microcode": tcb[7],
            ]
        case .s3, .s4:
            guard report.processor?.family == 0x1A else {
                return ["fmc": .null, "bootloader": tcb[0], "tee": tcb[1], "snp": tcb[6], "microcode": tcb[7]]
            }
            return ["fmc": tcb[0], "bootloader": tcb[1], "tee": tcb[2], "snp": tcb[3], "microcode": tcb[7]]
        }
    }
}

/// A host's table of certificates.
struct CertificateTable {
    let bytes: [UInt8]

    init(entries: [(SNPCertificateTable.Kind, [UInt8])], padding: Int = 0) {
        var list: [UInt8] = []
        var contents: [UInt8] = []
        let start = 24 * (entries.count + 1)
        for (kind, content) in entries {
            let digits = (try? Hex.decode(kind.rawValue.filter { $0 != "-" })) ?? []
            list += digits[0..<4].reversed() + digits[4..<6].reversed() + digits[6..<8].reversed() + digits[8...]
            for number in [start + contents.count, content.count] {
                list += withUnsafeBytes(of: UInt32(number).littleEndian, Array.init)
            }
            contents += content
        }
        bytes = list + [UInt8](repeating: 0, count: 24) + contents + [UInt8](repeating: 0, count: padding)
    }
}
