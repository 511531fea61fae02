import Crypto
import X509Trust

/// The public key of a machine that runs Secure Execution guests, on P-521.
package struct SEHostKey: Sendable {
    package let key: P521.KeyAgreement.PublicKey

    package init(_ key: P521.KeyAgreement.PublicKey) { self.key = key }

    /// The key in a host-key document; `nil` for one on another curve.
    init?(_ document: Certificate) {
        guard let key = try? document.publicKey, key.kind == .ec(.p521), let point = key.x963,
            let agreement = try? P521.KeyAgreement.PublicKey(x963Representation: point)
        else { return nil }
        self.key = agreement
    }

    /// The name of the key (PHKH): SHA-256 over its coordinates, 32 bytes.
    package var hash: [UInt8] { Array(SHA256.hash(data: SEPoint.bytes(of: key))) }
}

/// Points of P-521 as the ultravisor writes them.
enum SEPoint {
    static let byteCount = 160

    /// x and y, each in the last of 80 bytes.
    static func bytes(of key: P521.KeyAgreement.PublicKey) -> [UInt8] {
        let point = Array(key.x963Representation)
        let padding = [UInt8](repeating: 0, count: 14)
        return padding + point[1..<67] + padding + point[67..<133]
    }
}
