import Crypto
import Encodings

extension TEEKey {
    static func ellipticCurve(_ key: JSONObject, version: ProtocolVersion) throws(KBSProtocolError) -> JSONObject {
        try requireMembers(key, ["kty", "crv", "alg", "x", "y"])
        guard key["alg"] == "ECDH-ES+A256KW" else { throw .keyRefused("The key's algorithm must be ECDH-ES+A256KW.") }
        let x = try canonicalBytes(key, "x", decode: Base64.decodeURL, encode: Base64.encodeURL)
        let y = try canonicalBytes(key, "y", decode: Base64.decodeURL, encode: Base64.encodeURL)
        switch key["crv"]?.stringValue {
        case "P-256":
            guard x.count == 32, y.count == 32 else { throw .keyRefused("The coordinates must have 32 bytes.") }
            return try pointOnP256(key, x: x, y: y)
        case "P-521" where version >= .v0_4_0:
            guard x.count == 66, y.count == 66 else { throw .keyRefused("The coordinates must have 66 bytes.") }
            guard (try? P521.KeyAgreement.PublicKey(x963Representation: [4] + x + y)) != nil else {
                throw .keyRefused("The point is not on its curve.")
            }
            return key
        default:
            throw .keyRefused("Guests of protocol \(version.rawValue) have no keys on this curve.")
        }
    }

    /// The key, with a point that a guest padded on the wrong side put right.
    ///
    /// Builds of guest-components v0.12 to v0.18 on OpenSSL fill up short coordinates with the character `0` at the
    /// end, which takes about one key in 128 off the curve. Such a point is repaired only when exactly one way of
    /// moving the padding leads back to the curve.
    private static func pointOnP256(_ key: JSONObject, x: [UInt8], y: [UInt8]) throws(KBSProtocolError) -> JSONObject {
        if isOnP256(x, y) { return key }
        var found: [(x: [UInt8], y: [UInt8])] = []
        for candidateX in repairs(of: x) {
            for candidateY in repairs(of: y) where isOnP256(candidateX, candidateY) {
                found.append((candidateX, candidateY))
            }
        }
        guard found.count == 1 else { throw .keyRefused("The point is not on its curve.") }
        var repaired = key
        repaired["x"] = .string(Base64.encodeURL(found[0].x))
        repaired["y"] = .string(Base64.encodeURL(found[0].y))
        return repaired
    }

    /// The coordinate itself and, for one to three trailing `0` characters, the coordinate with zero bytes in front
    /// instead of them.
    private static func repairs(of coordinate: [UInt8]) -> [[UInt8]] {
        var result = [coordinate]
        for count in 1...3 {
            guard coordinate.suffix(count).allSatisfy({ $0 == UInt8(ascii: "0") }) else { break }
            result.append([UInt8](repeating: 0, count: count) + coordinate.dropLast(count))
        }
        return result
    }

    private static func isOnP256(_ x: [UInt8], _ y: [UInt8]) -> Bool {
        (try? P256.KeyAgreement.PublicKey(x963Representation: [4] + x + y)) != nil
    }
}
