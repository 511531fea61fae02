import Encodings

/// The claims of a report that is believed; bytes in hexadecimal digits, switches as 1 and 0.
struct CSVClaimSet {
    let report: CSVReport
    /// The key that Hygon certified for the chip.
    let chipKey: CSVKey
    /// What the sender says: nobody signed it.
    let serialNumber: String
    let log: EventLog?

    var claims: JSONObject {
        var claims: JSONObject = [
            "version": .string(String(report.version.rawValue)),
            "measure": hex(report.measure),
            "user_pubkey_digest": hex(report.ownerKeyDigest),
            "chip_key_digest": hex(chipKey.digest),
            "serial_number": .string(serialNumber),
            "mnonce": hex(report.nonce),
            "sig_usage": hex(report.signatureUsage),
            "sig_algo": hex(report.signatureAlgorithm),
            "report_data": hex(report.reportData),
        ]
        if let mask = report.mask {
            claims["anonce"] = hex(mask)
        } else {
            // In version 1 whoever shifts the mask writes these as it likes: see ``CSVVerifier/Options/allowsVersion1``.
            claims["policy"] = .object(policy)
            claims["vm_id"] = hex(report.vmID)
            claims["vm_version"] = hex(report.vmVersion)
        }
        if let registers = report.registers {
            claims["build"] = .int(Int64(registers.build))
            claims["rtmr_version"] = .int(Int64(registers.version))
            for (index, value) in registers.values.enumerated() { claims["rtmr\(index)"] = hex(value) }
            claims["reserved0"] = hex(registers.reserved0)
            claims["reserved1"] = hex(registers.reserved1)
        }
        log?.add(to: &claims, in: .confidentialVM)
        return claims
    }

    private var policy: JSONObject {
        var policy = JSONObject()
        for (bit, name) in ["nodbg", "noks", "es", "nosend", "domain", "csv", "csv3", "asid_reuse"].enumerated() {
            policy[name] = .int(Int64(report.policy >> UInt32(bit) & 1))
        }
        policy["hsk_version"] = .int(Int64(report.policy >> 8 & 0xf))
        policy["cek_version"] = .int(Int64(report.policy >> 12 & 0xf))
        policy["api_major"] = .int(Int64(report.policy >> 16 & 0xff))
        policy["api_minor"] = .int(Int64(report.policy >> 24 & 0xff))
        return policy
    }

    private func hex(_ bytes: [UInt8]) -> JSONValue { .string(Hex.encode(bytes)) }
}
