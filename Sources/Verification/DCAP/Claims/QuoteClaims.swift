import Encodings

extension FixedLayout {
    /// All fields by their names, in lower-case hexadecimal digits.
    func claims() -> JSONObject {
        JSONObject(fields.map { ($0.rawValue, .string(Hex.encode(self[$0]))) })
    }

    /// One field in lower-case hexadecimal digits.
    func hex(_ field: Field) -> JSONValue { .string(Hex.encode(self[field])) }
}

extension IntelQuote {
    /// The claims of a trust domain's quote: `quote` and `td_attributes`.
    func claims(about report: TrustDomainReport) -> JSONObject {
        var quote: JSONObject = ["header": .object(header.claims()), "body": .object(report.claims())]
        if !bodyDescriptor.isEmpty {
            quote["type"] = .string(Hex.encode(bodyDescriptor.prefix(2)))
            quote["size"] = .string(Hex.encode(bodyDescriptor.dropFirst(2)))
        }
        let attributes = report.attributes
        return [
            "quote": .object(quote),
            "td_attributes": [
                "debug": .bool(attributes.contains(.debug)),
                "septve_disable": .bool(attributes.contains(.withoutSurpriseFaults)),
                "protection_keys": .bool(attributes.contains(.protectionKeys)),
                "key_locker": .bool(attributes.contains(.keyLocker)),
                "perfmon": .bool(attributes.contains(.performanceCounters)),
            ],
        ]
    }

    /// The claims of an enclave's quote: `header` and `body`.
    func claims(about report: EnclaveReport) -> JSONObject {
        let securityVersions = header[.reserved]
        return [
            "header": [
                "version": header.hex(.version), "att_key_type": header.hex(.attestationKeyType),
                "att_key_data_0": header.hex(.teeType), "qe_svn": .string(Hex.encode(securityVersions.prefix(2))),
                "pce_svn": .string(Hex.encode(securityVersions.dropFirst(2))), "vendor_id": header.hex(.vendorID),
                "user_data": header.hex(.userData),
            ],
            "body": .object(report.claims()),
        ]
    }
}
