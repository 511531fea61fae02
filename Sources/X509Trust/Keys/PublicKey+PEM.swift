import Encodings

extension PublicKey {
    /// Reads one public key in PEM (`PUBLIC KEY`: SubjectPublicKeyInfo, RFC 7468 section 13); nothing may stand around it.
    ///
    /// Throws `malformed_key`.
    public init(pem: String) throws(X509Error) {
        let lines = pem.utf8.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard lines.count >= 3, pem.utf8.count <= 16_384, let first = lines.first, let last = lines.last,
            first.elementsEqual("-----BEGIN PUBLIC KEY-----".utf8), last.elementsEqual("-----END PUBLIC KEY-----".utf8),
            let der = try? Base64.decode(
                String(decoding: lines.dropFirst().dropLast().joined(), as: UTF8.self))
        else { throw .malformedKey }
        try self.init(spki: der)
    }
}
