import Encodings

/// The fixed DER frames of Ed25519 keys (RFC 8410).
enum Ed25519DER {
    private static let publicFrame: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    private static let privateFrame: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    /// The frame of version 2, which carries the public key behind the private one.
    private static let privateFrame2: [UInt8] = [
        0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let publicPart: [UInt8] = [0x81, 0x21, 0x00]

    static func subjectPublicKeyInfo(_ key: [UInt8]) -> [UInt8] { publicFrame + key }

    static func pkcs8(seed: [UInt8]) -> [UInt8] { privateFrame + seed }

    static func publicKey(subjectPublicKeyInfo der: [UInt8]) -> [UInt8]? {
        guard der.count == publicFrame.count + 32, der.starts(with: publicFrame) else { return nil }
        return Array(der.suffix(32))
    }

    /// The seed of a PKCS #8 key, with the public key when one is carried along.
    static func seed(pkcs8 der: [UInt8]) -> (seed: [UInt8], publicKey: [UInt8]?)? {
        if der.count == privateFrame.count + 32, der.starts(with: privateFrame) { return (Array(der.suffix(32)), nil) }
        guard der.count == privateFrame2.count + 32 + publicPart.count + 32, der.starts(with: privateFrame2),
            der[48...].starts(with: publicPart)
        else { return nil }
        return (Array(der[16..<48]), Array(der.suffix(32)))
    }
}
