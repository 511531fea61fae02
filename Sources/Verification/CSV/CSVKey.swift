import Crypto
import RATS
import X509Trust

/// What a key of Hygon's is for, as the certificates of its secure processors say.
enum CSVKeyUsage: UInt32, Sendable {
    /// Root key (HRK).
    case root = 0
    /// Signs the keys of chips (HSK).
    case signing = 0x13
    /// The owner's authority over a platform (OCA).
    case owner = 0x1001
    /// Signs reports (PEK).
    case platform = 0x1002
    /// The key of a chip (CEK).
    case chip = 0x1004
}

/// A key with the identity that its signatures are made under. SM2 signs over the identity too, so that one that is put in
/// another's place verifies nothing.
struct CSVKey: Sendable, Hashable {
    let key: PublicKey
    let userID: [UInt8]
    /// SHA-256 over the point: the byte 4, x and y, 32 bytes each, most significant first.
    let digest: [UInt8]

    /// Reads group, x and y (72 bytes each, least significant first), and the identity.
    init(reading reader: inout EvidenceReader) throws(VerificationError) {
        guard try reader.u32LE() == 3 else { throw reader.malformed("Its key is on another curve than that of SM2.") }
        let (x, y) = (try Self.number(&reader), try Self.number(&reader))
        let count = Int(try reader.u16LE())
        let identity = try reader.bytes(254)
        guard (1...254).contains(count), identity[count...].allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("The identity of its key is not as long as it says.")
        }
        let point = [4] + x + y
        guard let key = try? PublicKey.sm2(x963: point) else {
            throw reader.malformed("Its key is not on the curve of SM2.")
        }
        self.key = key
        digest = Array(SHA256.hash(data: point))
        userID = Array(identity[..<count])
    }

    /// Whether this key's private half signed some bytes.
    func signed(_ message: [UInt8], _ signature: [UInt8]) -> Bool {
        key.isValid(signature: signature, over: message, .sm2Raw(userID: userID))
    }

    /// A number of 256 bits in 72 bytes, most significant first when it is returned.
    static func number(_ reader: inout EvidenceReader) throws(VerificationError) -> [UInt8] {
        let bytes = try reader.bytes(72)
        guard bytes[32...].allSatisfy({ $0 == 0 }) else { throw reader.malformed("A number in it has too many bits.") }
        return bytes[..<32].reversed()
    }

    /// A signature: r and s.
    static func signature(_ reader: inout EvidenceReader) throws(VerificationError) -> [UInt8] {
        let r = try number(&reader)
        return r + (try number(&reader))
    }
}
