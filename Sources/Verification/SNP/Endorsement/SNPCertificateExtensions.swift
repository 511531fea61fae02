import Encodings
import X509Trust

/// AMD's own extensions of a certificate, under the arc 1.3.6.1.4.1.3704.1.
struct SNPCertificateExtensions {
    /// What an extension says, by its number under the arc.
    enum Item: String {
        case productName = "2"
        case bootloader = "3.1"
        case tee = "3.2"
        case snp = "3.3"
        case spare4 = "3.4"
        case spare5 = "3.5"
        case spare6 = "3.6"
        case spare7 = "3.7"
        case microcode = "3.8"
        case fmc = "3.9"
        case hardwareID = "4"
        case cspID = "5"
    }

    private let value: (Item) -> [UInt8]?

    /// The extensions of a certificate.
    init(_ certificate: Certificate) {
        value = { certificate.extensionValue("1.3.6.1.4.1.3704.1.\($0.rawValue)") }
    }

    /// The firmware that the key was derived from. Throws `malformed_certificate` when a level is missing, and when a
    /// spare one is used, because nobody knows which byte of a report it must agree with.
    func levels() throws(X509Error) -> SNPTCBLevels {
        for spare in [Item.spare4, .spare5, .spare6, .spare7] {
            guard try value(spare).map(Self.level) ?? 0 == 0 else {
                throw .notAnEndorsementKey("it has a security patch level that is not known")
            }
        }
        return SNPTCBLevels(
            fmc: try value(.fmc).map(Self.level), bootloader: try level(.bootloader), tee: try level(.tee),
            snp: try level(.snp), microcode: try level(.microcode))
    }

    /// The chip that the key belongs to, 64 or 8 bytes. Throws `malformed_certificate`.
    func hardwareID() throws(X509Error) -> [UInt8] {
        guard let bytes = value(.hardwareID).flatMap(Self.hardwareID) else {
            throw .notAnEndorsementKey("its hardware identifier is missing or has another form")
        }
        return bytes
    }

    /// A text (IA5String). Throws `malformed_certificate`.
    func text(_ item: Item) throws(X509Error) -> String {
        guard let bytes = value(item), let text = Self.text(bytes) else {
            throw .notAnEndorsementKey("extension \(item.rawValue) is missing or no text")
        }
        return text
    }

    private func level(_ item: Item) throws(X509Error) -> UInt8 {
        guard let bytes = value(item) else {
            throw .notAnEndorsementKey("it lacks the security patch level \(item.rawValue)")
        }
        return try Self.level(bytes)
    }

    /// A security patch level: a DER INTEGER from 0 to 255, so of one or two bytes. Throws `malformed_certificate`.
    static func level(_ der: [UInt8]) throws(X509Error) -> UInt8 {
        switch der.count {
        case 3 where der[0] == 0x02 && der[1] == 1 && der[2] < 0x80: return der[2]
        case 4 where der[0] == 0x02 && der[1] == 2 && der[2] == 0 && der[3] >= 0x80: return der[3]
        default: throw .notAnEndorsementKey("a security patch level is no number from 0 to 255")
        }
    }

    /// A hardware identifier as AMD writes it, without any encoding, or in a DER OCTET STRING; `nil` for another form.
    static func hardwareID(_ value: [UInt8]) -> [UInt8]? {
        switch value.count {
        case 64, 8: value
        case 66 where value[0] == 0x04 && value[1] == 64: Array(value[2...])
        case 10 where value[0] == 0x04 && value[1] == 8: Array(value[2...])
        default: nil
        }
    }

    /// A DER IA5String of 1 to 127 printable characters; `nil` for another form.
    static func text(_ der: [UInt8]) -> String? {
        guard der.count > 2, der[0] == 0x16, Int(der[1]) == der.count - 2, der[1] < 0x80,
            der[2...].allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        return String(decoding: der[2...], as: UTF8.self)
    }
}
