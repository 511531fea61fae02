import Encodings
import RATS

/// The report as guests send it: each field by its name, bytes as arrays of numbers. It is put back into the 1184 bytes
/// that the processor signed.
///
/// Four shapes are on the wire. Agents before v0.14 named the reserved bytes and sent them too; later ones leave them
/// out, where they are zero, and name what has become of some of them. Members of any other name say nothing.
struct SNPStructuredReport {
    private let object: JSONObject
    private var writer = SNPReportWriter()

    /// The bytes of the report that `object` describes. Throws `malformed_evidence`.
    static func bytes(_ object: JSONObject) throws(VerificationError) -> [UInt8] {
        var report = SNPStructuredReport(object: object)
        try report.placeCommon()
        // Only the old shapes name the bytes that follow the reported TCB.
        if object.contains("_reserved_1") { try report.placeOldShape() } else { try report.placePresentShape() }
        return report.writer.bytes
    }

    private init(object: JSONObject) {
        self.object = object
    }

    private mutating func placeCommon() throws(VerificationError) {
        try place("version", at: .version)
        try place("guest_svn", at: .guestSVN)
        try place("policy", at: .policy)
        try placeBytes("family_id", at: .familyID)
        try placeBytes("image_id", at: .imageID)
        try place("vmpl", at: .vmpl)
        try place("sig_algo", at: .signatureAlgorithm)
        try placeTCB("current_tcb", at: .currentTCB)
        try place("plat_info", at: .platformInfo)
        try placeBytes("report_data", at: .reportData)
        try placeBytes("measurement", at: .measurement)
        try placeBytes("host_data", at: .hostData)
        try placeBytes("id_key_digest", at: .idKeyDigest)
        try placeBytes("author_key_digest", at: .authorKeyDigest)
        try placeBytes("report_id", at: .reportID)
        try placeBytes("report_id_ma", at: .migrationAgentReportID)
        try placeTCB("reported_tcb", at: .reportedTCB)
        try placeBytes("chip_id", at: .chipID)
        try placeTCB("committed_tcb", at: .committedTCB)
        try placeTCB("launch_tcb", at: .launchTCB)
        let signature = try member("signature", of: object)
        try placeBytes(try value("r", of: signature), "signature.r", at: .signatureR)
        try placeBytes(try value("s", of: signature), "signature.s", at: .signatureS)
        if let padding = signature["_reserved"] {
            try placeBytes(padding, "signature._reserved", at: .signaturePadding)
        }
    }

    private mutating func placeOldShape() throws(VerificationError) {
        try place("_author_key_en", at: .keyInfo)
        try place("_reserved_0", at: .keyInfoPadding)
        try placeBytes("_reserved_1", at: .processorAndPadding)
        for (index, part) in ["build", "minor", "major"].enumerated() {
            try placeByte("current_\(part)", at: .currentVersion, index: index)
            try placeByte("committed_\(part)", at: .committedVersion, index: index)
        }
        try placeByte("_reserved_2", at: .currentVersion, index: 3)
        try placeByte("_reserved_3", at: .committedVersion, index: 3)
        try placeBytes("_reserved_4", at: .mitigationsAndPadding)
    }

    private mutating func placePresentShape() throws(VerificationError) {
        try place("key_info", at: .keyInfo)
        for (index, name) in ["cpuid_fam_id", "cpuid_mod_id", "cpuid_step"].enumerated() {
            try placeByte(name, at: .processor, index: index, isOptional: true)
        }
        let current = try member("current", of: object)
        let committed = try member("committed", of: object)
        for (index, part) in ["build", "minor", "major"].enumerated() {
            try placeByte(try value(part, of: current), "current.\(part)", at: .currentVersion, index: index)
            try placeByte(try value(part, of: committed), "committed.\(part)", at: .committedVersion, index: index)
        }
        // Agents before v0.15 did not know them, and then the signature tells whether they were zero.
        try place("launch_mit_vector", at: .launchMitigations, isOptional: true)
        try place("current_mit_vector", at: .currentMitigations, isOptional: true)
    }

    /// Places a TCB version: with `fmc` in the order of Turin, else in the order of the older products.
    private mutating func placeTCB(_ name: String, at field: SNPReportField) throws(VerificationError) {
        let tcb = try member(name, of: object)
        let bootloader = tcb["bootloader"] ?? tcb["boot_loader"]
        guard let bootloader, tcb["bootloader"] == nil || tcb["boot_loader"] == nil else {
            throw .malformed("The report's \(name) has no boot loader, or two.")
        }
        var places = [(bootloader, 0), (try value("tee", of: tcb), 1), (try value("snp", of: tcb), 6)]
        if let fmc = tcb["fmc"], !fmc.isNull {
            places = [(fmc, 0), (bootloader, 1), (try value("tee", of: tcb), 2), (try value("snp", of: tcb), 3)]
        }
        if let reserved = tcb["reserved"] ?? tcb["_reserved"] {
            guard case .array(let values) = reserved, values.count == 4 else {
                throw .malformed("The report's \(name) has other than 4 reserved bytes.")
            }
            for (index, value) in values.enumerated() {
                try placeByte(value, "\(name).reserved", at: field, index: 2 + index)
            }
        }
        places.append((try value("microcode", of: tcb), 7))
        for (value, index) in places { try placeByte(value, name, at: field, index: index) }
    }

    private mutating func place(
        _ name: String, at field: SNPReportField, isOptional: Bool = false
    ) throws(VerificationError) {
        let value = object[name] ?? .null
        if isOptional, value.isNull { return }
        guard let number = value.uintValue, field.count == 8 || number >> (8 * UInt64(field.count)) == 0 else {
            throw .malformed("The report's \(name) is no number of \(field.count) bytes.")
        }
        writer.place(number, at: field)
    }

    private mutating func placeByte(
        _ name: String, at field: SNPReportField, index: Int, isOptional: Bool = false
    ) throws(VerificationError) {
        let value = object[name] ?? .null
        if isOptional, value.isNull { return }
        try placeByte(value, name, at: field, index: index)
    }

    private mutating func placeByte(
        _ value: JSONValue, _ name: String, at field: SNPReportField, index: Int
    ) throws(VerificationError) {
        guard case .int(let number) = value, let byte = UInt8(exactly: number) else {
            throw .malformed("The report's \(name) is no number of one byte.")
        }
        writer.place(byte, at: field, index: index)
    }

    private mutating func placeBytes(_ name: String, at field: SNPReportField) throws(VerificationError) {
        try placeBytes(object[name] ?? .null, name, at: field)
    }

    private mutating func placeBytes(
        _ value: JSONValue, _ name: String, at field: SNPReportField
    ) throws(VerificationError) {
        guard case .array(let values) = value, values.count == field.count else {
            throw .malformed("The report's \(name) is no array of \(field.count) bytes.")
        }
        for index in 0..<field.count {
            guard case .int(let number) = values[index], let byte = UInt8(exactly: number) else {
                throw .malformed("The report's \(name) is no array of bytes.")
            }
            writer.place(byte, at: field, index: index)
        }
    }

    private func member(_ name: String, of object: JSONObject) throws(VerificationError) -> JSONObject {
        guard let member = object[name]?.objectValue else { throw .malformed("The report has no object \(name).") }
        return member
    }

    private func value(_ name: String, of object: JSONObject) throws(VerificationError) -> JSONValue {
        guard let value = object[name] else { throw .malformed("The report lacks \(name) in one of its objects.") }
        return value
    }
}
