import COpenSSL
import FoundationEssentials

/// Moving DER between Swift and OpenSSL.
///
/// OpenSSL objects never leave a function: each is freed by a `defer` beside the call that made it, and what outlives
/// the function is the object's DER. That is why every type of this target can be `Sendable` without locks.
package enum DER {
    /// The encoding that an `i2d` function of OpenSSL writes.
    package static func encode(
        _ operation: String, _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws(X509Error) -> [UInt8] {
        let count = write(nil)
        guard count > 0 else { throw .failed(operation) }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let written = bytes.withUnsafeMutableBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return write(&cursor)
        }
        guard written == count else { throw .failed(operation) }
        return bytes
    }

    /// The object that a `d2i` function of OpenSSL reads from all of `bytes`, to be freed by the caller; `nil` when
    /// they are no such object or more than one.
    static func decode(
        _ bytes: [UInt8], free: (OpaquePointer?) -> Void,
        _ read: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
    ) -> OpaquePointer? {
        bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress, !buffer.isEmpty else { return nil }
            var cursor: UnsafePointer<UInt8>? = start
            guard let object = read(&cursor, buffer.count) else { return nil }
            guard cursor == start + buffer.count else {
                free(object)
                return nil
            }
            return object
        }
    }

    /// The certificate in these bytes, to be freed with `X509_free`.
    static func certificate(_ bytes: [UInt8]) throws(X509Error) -> OpaquePointer {
        guard let certificate = decode(bytes, free: { X509_free($0) }, { d2i_X509(nil, $0, $1) }) else {
            throw .malformedCertificate
        }
        // SM2 signs over the signer's identity too, and OpenSSL has no default for it (GM/T 0009 section 10).
        if X509_get_signature_nid(certificate) == NID_SM2_with_SM3, let identity = sm2Identity() {
            X509_set0_distinguishing_id(certificate, identity)
        }
        return certificate
    }

    /// The revocation list in these bytes, to be freed with `X509_CRL_free`; `nil` when they are none.
    static func revocationList(_ bytes: [UInt8]) -> OpaquePointer? {
        decode(bytes, free: { X509_CRL_free($0) }, { d2i_X509_CRL(nil, $0, $1) })
    }

    /// The public key in these bytes of SubjectPublicKeyInfo, to be freed with `EVP_PKEY_free`; `nil` when they are none.
    static func publicKey(_ bytes: [UInt8]) -> OpaquePointer? {
        decode(bytes, free: { EVP_PKEY_free($0) }, { d2i_PUBKEY(nil, $0, $1) })
    }

    /// The value of an INTEGER as a big-endian magnitude without leading zeros, zero as one byte; `nil` when it is
    /// negative.
    static func magnitude(_ number: UnsafePointer<ASN1_INTEGER>?) -> [UInt8]? {
        guard let number, ASN1_STRING_type(number) == V_ASN1_INTEGER else { return nil }
        let bytes = content(number).drop { $0 == 0 }
        return bytes.isEmpty ? [0] : Array(bytes)
    }

    /// The content of a string.
    static func content(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        guard let start = ASN1_STRING_get0_data(string) else { return [] }
        return Array(UnsafeBufferPointer(start: start, count: Int(max(0, ASN1_STRING_length(string)))))
    }

    /// The time in an UTCTime or GeneralizedTime; `nil` when it is none.
    static func date(_ time: UnsafePointer<ASN1_TIME>) -> Date? {
        var seconds: Int64 = 0
        guard claviger_seconds(time, &seconds) == 1 else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(seconds))
    }

    /// The identity with which certificates and lists are signed, to be freed with `ASN1_STRING_free`.
    static func sm2Identity() -> UnsafeMutablePointer<ASN1_OCTET_STRING>? {
        guard let identity = ASN1_OCTET_STRING_new() else { return nil }
        let text = SignatureAlgorithm.sm2DefaultUserID
        guard ASN1_OCTET_STRING_set(identity, text, Int32(text.count)) == 1 else {
            ASN1_STRING_free(identity)
            return nil
        }
        return identity
    }
}

/// Writing DER, as much of it as keys and signatures need.
extension DER {
    package static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }

    /// An INTEGER from a big-endian magnitude.
    package static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        let bytes = magnitude.drop { $0 == 0 }
        // A first bit that is set would make the number negative.
        let needsZero = bytes.first.map { $0 & 0x80 != 0 } ?? true
        return element(0x02, (needsZero ? [0] : []) + bytes)
    }

    package static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 0x80 else { return [tag, UInt8(content.count)] + content }
        var rest = content.count
        var length: [UInt8] = []
        while rest > 0 {
            length.insert(UInt8(rest & 0xff), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }
}

/// Walking DER without understanding it.
extension DER {
    /// The element at the beginning of some bytes with its header, and its content; `nil` when its length is not that of
    /// DER or exceeds the bytes. Tags of more than one byte are none.
    package static func first(_ bytes: ArraySlice<UInt8>) -> (element: ArraySlice<UInt8>, content: ArraySlice<UInt8>)? {
        let bytes = bytes.prefix(0x100_0000)
        guard bytes.count >= 2, bytes[bytes.startIndex] & 0x1f != 0x1f else { return nil }
        var start = bytes.startIndex + 2
        var count = Int(bytes[start - 1])
        if count >= 0x80 {
            let size = count & 0x7f
            guard (1...3).contains(size), bytes.endIndex - start >= size, bytes[start] != 0 else { return nil }
            count = bytes[start..<(start + size)].reduce(0) { $0 << 8 | Int($1) }
            start += size
            guard count >= 0x80 else { return nil }
        }
        guard bytes.endIndex - start >= count else { return nil }
        return (bytes[bytes.startIndex..<(start + count)], bytes[start..<(start + count)])
    }
}
