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

    /// The key in PEM: SubjectPublicKeyInfo in lines of 64 characters (RFC 7468 section 2), each with its end.
    public var pem: String {
        let text = Array(Base64.encode(spki).utf8)
        let lines = stride(from: 0, to: text.count, by: 64).map {
            String(decoding: text[$0..<min($0 + 64, text.count)], as: UTF8.self)
        }
        return (["-----BEGIN PUBLIC KEY-----"] + lines + ["-----END PUBLIC KEY-----", ""]).joined(separator: "\n")
    }
}
