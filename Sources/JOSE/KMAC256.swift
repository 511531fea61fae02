import Encodings

/// KMAC256 (NIST SP 800-185 section 4).
enum KMAC256 {
    /// The MAC of `data` under `key`, of `outputBytes` bytes, as a secret.
    static func code(key: SecretBytes, data: [UInt8], outputBytes: Int, customization: [UInt8] = []) -> SecretBytes {
        var sponge = Keccak256Sponge()
        sponge.absorb(leftEncoded(Keccak256Sponge.rate))
        sponge.absorb(encodedString(Array("KMAC".utf8)) + encodedString(customization))
        sponge.fillBlock()
        sponge.absorb(leftEncoded(Keccak256Sponge.rate) + leftEncoded(key.count * 8))
        key.withUnsafeBytes { sponge.absorb($0) }
        sponge.fillBlock()
        sponge.absorb(data)
        sponge.absorb(rightEncoded(outputBytes * 8))
        var output = sponge.finish(domain: 0x04, outputBytes: outputBytes)
        return SecretBytes(wiping: &output)
    }

    private static func encodedString(_ bytes: [UInt8]) -> [UInt8] {
        leftEncoded(bytes.count * 8) + bytes
    }

    private static func leftEncoded(_ number: Int) -> [UInt8] {
        let digits = bigEndian(number)
        return [UInt8(digits.count)] + digits
    }

    private static func rightEncoded(_ number: Int) -> [UInt8] {
        let digits = bigEndian(number)
        return digits + [UInt8(digits.count)]
    }

    private static func bigEndian(_ number: Int) -> [UInt8] {
        var digits = [UInt8(truncatingIfNeeded: number)]
        var rest = number >> 8
        while rest > 0 {
            digits.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return digits
    }
}
