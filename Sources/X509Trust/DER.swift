import COpenSSL

/// Moving DER between Swift and OpenSSL.
///
/// OpenSSL objects never leave a function: each is freed by a `defer` beside the call that made it, and what outlives
/// the function is the object's DER. That is why every type of this target can be `Sendable` without locks.
enum DER {
    /// The encoding that an `i2d` function of OpenSSL writes.
    static func encode(
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
        return certificate
    }
}
