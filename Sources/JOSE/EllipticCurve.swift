import Encodings

/// The NIST curves, named as in a JWK's `crv`.
enum EllipticCurve: String, Sendable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    /// Bytes of one coordinate.
    var coordinateSize: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    /// The curve of an EC JWK.
    init(of jwk: JSONObject) throws(JOSEError) {
        let name = try jwk.requiredName("crv")
        guard let curve = EllipticCurve(rawValue: name) else {
            throw .unsupportedKey("The key's curve is none of P-256, P-384 and P-521")
        }
        self = curve
    }

    /// The uncompressed point (SEC 1 section 2.3.3) of an EC JWK; whether it lies on the curve is not checked here.
    func point(of jwk: JSONObject) throws(JOSEError) -> [UInt8] {
        let x = try jwk.base64URL("x")
        let y = try jwk.base64URL("y")
        guard x.count == coordinateSize, y.count == coordinateSize else {
            throw .invalidKey("The coordinates of a \(rawValue) key must have exactly \(coordinateSize) bytes")
        }
        return [4] + x + y
    }

    /// `x` and `y` of an uncompressed point, in base64url.
    func coordinates(of point: [UInt8]) -> (x: JSONValue, y: JSONValue) {
        let x = Array(point.dropFirst().prefix(coordinateSize))
        let y = Array(point.dropFirst(1 + coordinateSize))
        return (.string(Base64.encodeURL(x)), .string(Base64.encodeURL(y)))
    }
}
