import Encodings

/// Modulus and public exponent of an RSA JWK, checked for sane sizes.
struct RSANumbers: Sendable, Hashable {
    let modulus: [UInt8]
    let exponent: [UInt8]

    /// Verification and encryption time grows with the square of the size, so foreign keys are bounded.
    static let modulusBits = 2048...8192

    init(jwk: JSONObject) throws(JOSEError) {
        modulus = try jwk.base64URL("n")
        exponent = try jwk.base64URL("e")
        guard let first = modulus.first, first != 0, let last = modulus.last, last & 1 == 1 else {
            throw .invalidKey("The RSA modulus must be odd and have no leading zero bytes")
        }
        guard Self.modulusBits.contains(modulus.count * 8 - first.leadingZeroBitCount) else {
            throw .invalidKey("The RSA modulus must have 2048 to 8192 bits")
        }
        guard let high = exponent.first, high != 0, let low = exponent.last, low & 1 == 1, exponent.count <= 4,
            exponent != [1]
        else { throw .invalidKey("The RSA exponent must be odd, above one and at most four bytes long") }
    }
}
