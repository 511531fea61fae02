import Encodings

/// Hygon's certificates, field by field, as csv-rs names them.
enum CSVCertificate {
    /// The size of the certificates of chip and platform keys (CEK, PEK).
    static let size = 2084
    /// The size of the certificates of authorities (HRK, HSK).
    static let authoritySize = 832

    /// A certificate of a chip or platform key.
    static func platformKey(_ bytes: [UInt8]) throws(GuestError) -> JSONObject {
        var fields = try Fields(bytes, size: size)
        let version = fields.number(4)
        let firmware: JSONValue = ["major": fields.number(1), "minor": fields.number(1)]
        let reserved = fields.number(2)
        let publicKey: JSONValue = ["usage": fields.number(4), "algo": fields.number(4), "key": fields.point()]
        let data: JSONValue = [
            "firmware": firmware, "reserved1": reserved, "pubkey": publicKey, "uid_size": fields.number(2),
            "user_id": fields.array(254), "sid": fields.array(16), "reserved2": fields.array(608),
        ]
        let signatures = (0..<2).map { _ -> JSONValue in
            [
                "usage": fields.number(4), "algo": fields.number(4), "signature": fields.signature(),
                "_reserved": fields.array(368),
            ]
        }
        return ["body": ["ver": version, "data": data], "sigs": .array(signatures)]
    }

    /// A certificate of an authority.
    static func authority(_ bytes: [UInt8]) throws(GuestError) -> JSONObject {
        var fields = try Fields(bytes, size: authoritySize)
        let version = fields.number(4)
        let data: JSONValue = [
            "kid": fields.array(16), "sid": fields.array(16), "usage": fields.number(4), "reserved": fields.array(24),
        ]
        let body: JSONValue = [
            "preamble": ["ver": version, "data": data], "pubkey": fields.point(), "uid_size": fields.number(2),
            "user_id": fields.array(254), "reserved": fields.array(108),
        ]
        return ["body": body, "signature": fields.signature(), "_reserved": fields.array(112)]
    }

    /// A cursor over bytes whose number was checked.
    private struct Fields {
        let bytes: [UInt8]
        var position = 0

        init(_ bytes: [UInt8], size: Int) throws(GuestError) {
            guard bytes.count == size else {
                throw GuestError(.evidence, "A certificate of Hygon has \(bytes.count) bytes, not \(size).")
            }
            self.bytes = bytes
        }

        mutating func number(_ count: Int) -> JSONValue {
            defer { position += count }
            return JSONValue(bytes.littleEndian(position..<position + count))
        }

        mutating func array(_ count: Int) -> JSONValue {
            defer { position += count }
            return .bytes(bytes[position..<position + count])
        }

        mutating func point() -> JSONValue { ["g": number(4), "x": array(72), "y": array(72)] }
        mutating func signature() -> JSONValue { ["r": array(72), "s": array(72)] }
    }
}
