import Foundation
import X509Trust

/// The pieces that certificates and lists are made of, as DER.
public enum ASN1 {
    /// An OBJECT IDENTIFIER from its dotted form.
    public static func objectIdentifier(_ dotted: String) -> [UInt8] {
        let arcs = dotted.split(separator: ".").compactMap { UInt64($0) }
        var content: [UInt8] = []
        for arc in [arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2) {
            var digits = [UInt8(arc & 0x7f)]
            var rest = arc >> 7
            while rest > 0 {
                digits.insert(UInt8(rest & 0x7f) | 0x80, at: 0)
                rest >>= 7
            }
            content += digits
        }
        return DER.element(0x06, content)
    }

    /// A SEQUENCE of elements.
    public static func sequence(_ elements: [UInt8]...) -> [UInt8] { DER.sequence(Array(elements.joined())) }

    /// An INTEGER that is not negative, from a big-endian magnitude.
    public static func integer(_ magnitude: [UInt8]) -> [UInt8] { DER.integer(magnitude) }

    /// An INTEGER.
    public static func integer(_ number: Int) -> [UInt8] {
        DER.integer(withUnsafeBytes(of: UInt64(number).bigEndian) { Array($0) })
    }

    /// An OCTET STRING.
    public static func octetString(_ bytes: [UInt8]) -> [UInt8] { DER.element(0x04, bytes) }

    /// An IA5String.
    public static func ia5String(_ text: String) -> [UInt8] { DER.element(0x16, Array(text.utf8)) }

    /// A BIT STRING of whole bytes.
    public static func bitString(_ bytes: [UInt8]) -> [UInt8] { DER.element(0x03, [0] + bytes) }

    /// Any element.
    public static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { DER.element(tag, content) }

    /// A Time: UTCTime until 2049 and GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5).
    public static func time(_ date: Date) -> [UInt8] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        let year = parts.year ?? 0
        let rest = [parts.month, parts.day, parts.hour, parts.minute, parts.second].map { digits($0 ?? 0, 2) }.joined()
        return (1950..<2050).contains(year)
            ? DER.element(0x17, Array("\(digits(year % 100, 2))\(rest)Z".utf8))
            : DER.element(0x18, Array("\(digits(year, 4))\(rest)Z".utf8))
    }

    /// An AlgorithmIdentifier of a signature.
    public static func algorithm(_ algorithm: SignatureAlgorithm) -> [UInt8] {
        let null: [UInt8] = [0x05, 0]
        switch algorithm {
        case .rsaPKCS1(let digest):
            return sequence(objectIdentifier("1.2.840.113549.1.1.\(10 + number(digest))"), null)
        case .ecdsa(let digest), .ecdsaRaw(let digest):
            return sequence(objectIdentifier("1.2.840.10045.4.3.\(1 + number(digest))"))
        case .sm2, .sm2Raw: return sequence(objectIdentifier("1.2.156.10197.1.501"))
        case .rsaPSS(let digest):
            let hash = sequence(objectIdentifier("2.16.840.1.101.3.4.2.\(number(digest))"), null)
            let mask = sequence(objectIdentifier("1.2.840.113549.1.1.8"), hash)
            let parameters = sequence(
                element(0xa0, hash), element(0xa1, mask), element(0xa2, integer(digest.byteCount)))
            return sequence(objectIdentifier("1.2.840.113549.1.1.10"), parameters)
        }
    }

    /// The place of a SHA-2 function in the arcs of NIST, RSA and ANSI.
    private static func number(_ digest: DigestAlgorithm) -> Int {
        switch digest {
        case .sha256: 1
        case .sha384: 2
        case .sha512, .sm3: 3
        }
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
