import Encodings

/// A report, field by field, as the sev crate names them. What has no name there must be zero: else the verifier, which
/// puts the bytes together again, would check the signature over other ones.
struct SNPReportFields {
    static let size = 1184
    private let bytes: [UInt8]
    private let version: UInt64

    /// - Throws: `evidence_failed` for reports of other sizes or versions, and for fields that have no name.
    init(_ bytes: [UInt8]) throws(GuestError) {
        guard bytes.count == Self.size else {
            throw GuestError(.evidence, "The processor's report has \(bytes.count) bytes, not \(Self.size).")
        }
        self.bytes = bytes
        version = bytes.littleEndian(0..<4)
        guard (2...5).contains(version) else {
            throw GuestError(
                .evidence, "The processor's report is of version \(version); this agent knows 2 to 5. A newer one may.")
        }
        guard hasOnlyNamedFields else {
            throw GuestError(
                .evidence,
                "The processor's report says more than its version \(version) has names for; a newer agent may.")
        }
    }

    var reportData: [UInt8] { Array(bytes[0x50..<0x90]) }

    var json: JSONObject {
        let hasProcessor = version >= 3
        let hasMitigations = version >= 5
        let members: [(String, JSONValue)] = [
            ("version", number(0x000, 4)), ("guest_svn", number(0x004, 4)), ("policy", number(0x008, 8)),
            ("family_id", array(0x010, 16)), ("image_id", array(0x020, 16)), ("vmpl", number(0x030, 4)),
            ("sig_algo", number(0x034, 4)), ("current_tcb", tcb(0x038)), ("plat_info", number(0x040, 8)),
            ("key_info", number(0x048, 4)), ("report_data", array(0x050, 64)), ("measurement", array(0x090, 48)),
            ("host_data", array(0x0C0, 32)), ("id_key_digest", array(0x0E0, 48)),
            ("author_key_digest", array(0x110, 48)), ("report_id", array(0x140, 32)),
            ("report_id_ma", array(0x160, 32)), ("reported_tcb", tcb(0x180)),
            ("cpuid_fam_id", hasProcessor ? number(0x188, 1) : .null),
            ("cpuid_mod_id", hasProcessor ? number(0x189, 1) : .null),
            ("cpuid_step", hasProcessor ? number(0x18A, 1) : .null), ("chip_id", array(0x1A0, 64)),
            ("committed_tcb", tcb(0x1E0)), ("current", firmware(0x1E8)), ("committed", firmware(0x1EC)),
            ("launch_tcb", tcb(0x1F0)), ("launch_mit_vector", hasMitigations ? number(0x1F8, 8) : .null),
            ("current_mit_vector", hasMitigations ? number(0x200, 8) : .null),
            ("signature", ["r": array(0x2A0, 72), "s": array(0x2E8, 72)]),
        ]
        return JSONObject(members)
    }

    private var hasOnlyNamedFields: Bool {
        // Version 2 has no processor, versions before 5 no mitigations.
        var unnamed = [0x04C..<0x050, version >= 3 ? 0x18B..<0x1A0 : 0x188..<0x1A0, 0x1EB..<0x1EC, 0x1EF..<0x1F0]
        unnamed += [version >= 5 ? 0x208..<0x2A0 : 0x1F8..<0x2A0, 0x330..<0x4A0]
        for start in [0x038, 0x180, 0x1E0, 0x1F0] {
            unnamed.append(isTurin ? start + 4..<start + 7 : start + 2..<start + 6)
        }
        return unnamed.allSatisfy { bytes[$0].allSatisfy { $0 == 0 } }
    }

    /// From family 0x1A on the first mutable code comes first in a TCB. Reports of version 2 name no family; there a chip
    /// with an identifier of 8 bytes is such a one.
    private var isTurin: Bool {
        if version >= 3 { return bytes[0x188] >= 0x1A }
        return bytes[0x1A0..<0x1A8].contains { $0 != 0 } && bytes[0x1A8..<0x1E0].allSatisfy { $0 == 0 }
    }

    private func tcb(_ offset: Int) -> JSONValue {
        isTurin
            ? [
                "fmc": number(offset, 1), "bootloader": number(offset + 1, 1), "tee": number(offset + 2, 1),
                "snp": number(offset + 3, 1), "microcode": number(offset + 7, 1),
            ]
            : [
                "fmc": .null, "bootloader": number(offset, 1), "tee": number(offset + 1, 1),
                "snp": number(offset + 6, 1), "microcode": number(offset + 7, 1),
            ]
    }

    private func firmware(_ offset: Int) -> JSONValue {
        ["major": number(offset + 2, 1), "minor": number(offset + 1, 1), "build": number(offset, 1)]
    }

    private func number(_ offset: Int, _ count: Int) -> JSONValue {
        JSONValue(bytes.littleEndian(offset..<offset + count))
    }

    private func array(_ offset: Int, _ count: Int) -> JSONValue { .bytes(bytes[offset..<offset + count]) }
}
