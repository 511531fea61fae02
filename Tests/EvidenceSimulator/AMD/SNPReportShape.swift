import Encodings

/// A shape in which released agents send a report as JSON, field by field: that of the structures which they serialise.
package enum SNPReportShape: String, Sendable, CaseIterable {
    /// Agents of v0.6.
    case agent06
    /// Agents of v0.7 to v0.13.
    case agent07
    /// Agents of v0.14.
    case agent14
    /// Agents from v0.15 on.
    case agent15

    /// Whether such agents can send the report in these bytes without loss: those of v0.14 leave the mitigations out.
    package func canCarry(_ bytes: [UInt8]) -> Bool {
        self != .agent14 || bytes[0x1F8..<0x208].allSatisfy { $0 == 0 }
    }

    /// The report in these 1184 bytes as such an agent sends it.
    package func json(_ bytes: [UInt8]) -> JSONObject { SNPReportJSON(bytes, shape: self).object }

    /// Whether such agents know all bytes by names, reserved ones too.
    var isOld: Bool { self == .agent06 || self == .agent07 }
}

/// A report whose fields are being named.
private struct SNPReportJSON {
    private let bytes: [UInt8]
    private let shape: SNPReportShape

    init(_ bytes: [UInt8], shape: SNPReportShape) {
        self.bytes = bytes
        self.shape = shape
    }

    var object: JSONObject {
        var object = JSONObject()
        for (name, value) in common { object[name] = value }
        for (name, value) in shape.isOld ? oldMembers : presentMembers { object[name] = value }
        return object
    }

    private var common: [(String, JSONValue)] {
        var signature: JSONObject = ["r": array(0x2A0, 72), "s": array(0x2E8, 72)]
        if shape.isOld { signature["_reserved"] = array(0x330, 368) }
        return [
            ("version", number(0, 4)), ("guest_svn", number(4, 4)), ("policy", number(8, 8)),
            ("family_id", array(0x10, 16)), ("image_id", array(0x20, 16)), ("vmpl", number(0x30, 4)),
            ("sig_algo", number(0x34, 4)), ("current_tcb", tcb(0x38)), ("plat_info", number(0x40, 8)),
            ("report_data", array(0x50, 64)), ("measurement", array(0x90, 48)), ("host_data", array(0xC0, 32)),
            ("id_key_digest", array(0xE0, 48)), ("author_key_digest", array(0x110, 48)),
            ("report_id", array(0x140, 32)), ("report_id_ma", array(0x160, 32)), ("reported_tcb", tcb(0x180)),
            ("chip_id", array(0x1A0, 64)), ("committed_tcb", tcb(0x1E0)), ("launch_tcb", tcb(0x1F0)),
            ("signature", .object(signature)),
        ]
    }

    private var oldMembers: [(String, JSONValue)] {
        [
            ("_author_key_en", number(0x48, 4)), ("_reserved_0", number(0x4C, 4)), ("_reserved_1", array(0x188, 24)),
            ("current_build", number(0x1E8, 1)), ("current_minor", number(0x1E9, 1)),
            ("current_major", number(0x1EA, 1)), ("_reserved_2", number(0x1EB, 1)),
            ("committed_build", number(0x1EC, 1)), ("committed_minor", number(0x1ED, 1)),
            ("committed_major", number(0x1EE, 1)), ("_reserved_3", number(0x1EF, 1)),
            ("_reserved_4", array(0x1F8, 168)),
        ]
    }

    private var presentMembers: [(String, JSONValue)] {
        let hasProcessor = bytes[0] >= 3
        var members: [(String, JSONValue)] = [
            ("key_info", number(0x48, 4)),
            ("cpuid_fam_id", hasProcessor ? number(0x188, 1) : .null),
            ("cpuid_mod_id", hasProcessor ? number(0x189, 1) : .null),
            ("cpuid_step", hasProcessor ? number(0x18A, 1) : .null),
            ("current", firmware(0x1E8)), ("committed", firmware(0x1EC)),
        ]
        if shape == .agent15 {
            let hasMitigations = bytes[0] >= 5
            members.append(("launch_mit_vector", hasMitigations ? number(0x1F8, 8) : .null))
            members.append(("current_mit_vector", hasMitigations ? number(0x200, 8) : .null))
        }
        return members
    }

    private func firmware(_ offset: Int) -> JSONValue {
        ["build": number(offset, 1), "minor": number(offset + 1, 1), "major": number(offset + 2, 1)]
    }

    private func tcb(_ offset: Int) -> JSONValue {
        let microcode = number(offset + 7, 1)
        if shape.isOld {
            let isOldest = shape == .agent06
            return [
                isOldest ? "boot_loader" : "bootloader": number(offset, 1), "tee": number(offset + 1, 1),
                isOldest ? "reserved" : "_reserved": array(offset + 2, 4), "snp": number(offset + 6, 1),
                "microcode": microcode,
            ]
        }
        // From family 0x1A on the first mutable code comes first.
        if bytes[0] >= 3, bytes[0x188] >= 0x1A {
            return [
                "fmc": number(offset, 1), "bootloader": number(offset + 1, 1), "tee": number(offset + 2, 1),
                "snp": number(offset + 3, 1), "microcode": microcode,
            ]
        }
        return [
            "fmc": .null, "bootloader": number(offset, 1), "tee": number(offset + 1, 1),
            "snp": number(offset + 6, 1), "microcode": microcode,
        ]
    }

    private func number(_ offset: Int, _ count: Int) -> JSONValue {
        JSONValue(bytes[offset..<offset + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private func array(_ offset: Int, _ count: Int) -> JSONValue {
        .array(bytes[offset..<offset + count].map { .int(Int64($0)) })
    }
}
