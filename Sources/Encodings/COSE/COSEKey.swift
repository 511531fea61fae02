/// A public elliptic-curve key of COSE (RFC 9052 section 7, RFC 9053 section 7.1.1).
public struct COSEKey: Sendable, Hashable {
    /// The NIST curves by their numbers.
    public enum Curve: Int64, Sendable, Hashable, CaseIterable {
        /// NIST P-256.
        case p256 = 1
        /// NIST P-384.
        case p384 = 2
        /// NIST P-521.
        case p521 = 3

        /// How many bytes a coordinate has.
        public var coordinateByteCount: Int {
            switch self {
            case .p256: 32
            case .p384: 48
            case .p521: 66
            }
        }
    }

    /// The curve.
    public let curve: Curve
    /// The point: 4, x and y. Whether it lies on the curve is not checked here.
    public let x963: [UInt8]
    /// The only algorithm that the key may be used with, where it names one.
    public let algorithm: COSEAlgorithm?

    /// Reads a key, all of the bytes.
    ///
    /// Refused: anything but uncompressed points of the NIST curves with coordinates of full length, keys that came with
    /// their private half, and keys that are not for verifying signatures.
    ///
    /// Throws `malformed` and `unsupported_key`.
    public init(parsing bytes: [UInt8], rules: CBORRules = .strict) throws(COSEError) {
        let item: CBORValue
        do throws(CBORError) {
            item = try CBORValue(parsing: bytes, rules: rules)
        } catch {
            throw .malformed("The key is no acceptable CBOR. \(error.description).")
        }
        guard let map = item.mapValue else { throw .malformed("The key is no map.") }
        guard map[Label.type]?.intValue == 2, let number = map[Label.curve]?.intValue,
            let curve = Curve(rawValue: number)
        else { throw COSEError("unsupported_key", "The key is on no NIST curve.") }
        guard map[Label.privatePart] == nil else {
            throw COSEError("unsupported_key", "The key holds its private half; a public key was expected.")
        }
        guard let x = map[Label.x]?.bytesValue, let y = map[Label.y]?.bytesValue,
            x.count == curve.coordinateByteCount, y.count == curve.coordinateByteCount
        else { throw .malformed("The key has no point with coordinates of full length.") }
        self.curve = curve
        x963 = [4] + x + y
        algorithm = try Self.algorithm(map)
    }

    private enum Label {
        static let type: CBORValue = 1
        static let algorithm: CBORValue = 3
        static let operations: CBORValue = 4
        static let curve: CBORValue = -1
        static let x: CBORValue = -2
        static let y: CBORValue = -3
        static let privatePart: CBORValue = -4
        /// The operation `verify`.
        static let verify: CBORValue = 2
    }

    private static func algorithm(_ map: CBORMap) throws(COSEError) -> COSEAlgorithm? {
        if let operations = map[Label.operations] {
            guard operations.arrayValue?.contains(Label.verify) ?? false else {
                throw COSEError("unsupported_key", "The key is not for verifying signatures.")
            }
        }
        guard let stated = map[Label.algorithm] else { return nil }
        guard let algorithm = stated.intValue.flatMap(COSEAlgorithm.init) else {
            throw COSEError("unsupported_key", "The key is for an algorithm that is not accepted.")
        }
        return algorithm
    }
}
