import Foundation

/// Writes DER, as little of it as certificates and revocation lists need.
enum DERWriter {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        switch content.count {
        case ..<128: [tag, UInt8(content.count)] + content
        case ..<256: [tag, 0x81, UInt8(content.count)] + content
        default: [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
        }
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, parts.flatMap { $0 }) }
    static func set(_ parts: [UInt8]...) -> [UInt8] { value(0x31, parts.flatMap { $0 }) }
    static func octets(_ content: [UInt8]) -> [UInt8] { value(0x04, content) }
    static func bits(_ content: [UInt8]) -> [UInt8] { value(0x03, [0] + content) }
    static func ia5(_ text: String) -> [UInt8] { value(0x16, Array(text.utf8)) }
    static func explicit(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { value(0xA0 | number, content) }

    static func integer(_ number: Int) -> [UInt8] {
        var bytes = withUnsafeBytes(of: number.bigEndian, Array.init)
        while bytes.count > 1, bytes[0] == 0, bytes[1] < 0x80 { bytes.removeFirst() }
        return value(0x02, bytes)
    }

    static func identifier(_ text: String) -> [UInt8] {
        let arcs = text.split(separator: ".").compactMap { UInt32($0) }
        var content = [UInt8(arcs[0] * 40 + arcs[1])]
        for arc in arcs.dropFirst(2) {
            var groups = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                groups.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            content += groups
        }
        return value(0x06, content)
    }

    static func name(_ commonName: String) -> [UInt8] {
        sequence(set(sequence(identifier("2.5.4.3"), value(0x0C, Array(commonName.utf8)))))
    }

    static func time(_ date: Date) -> [UInt8] {
        let digits = date.formatted(.iso8601).filter(\.isNumber)
        return value(0x18, Array("\(digits)Z".utf8))
    }

    static func certificateExtension(_ oid: String, _ content: [UInt8], isCritical: Bool = false) -> [UInt8] {
        isCritical
            ? sequence(identifier(oid), value(0x01, [0xFF]), octets(content))
            : sequence(identifier(oid), octets(content))
    }

    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    static let pss: [UInt8] = {
        let sha384 = sequence(identifier("2.16.840.1.101.3.4.2.2"))
        let mask = sequence(identifier("1.2.840.113549.1.1.8"), sha384)
        let parameters = sequence(explicit(0, sha384), explicit(1, mask), explicit(2, integer(48)))
        return sequence(identifier("1.2.840.113549.1.1.10"), parameters)
    }()
}
