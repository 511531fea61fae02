import COpenSSL

/// PEM text (RFC 7468).
enum PEM {
    /// Runs `body` with a text as a BIO, which is freed afterwards.
    ///
    /// Throws what `body` throws, and `malformed_certificate` for a text beyond 2 GiB.
    static func read<Value>(
        _ text: String, _ body: (OpaquePointer) throws(X509Error) -> Value
    ) throws(X509Error) -> Value {
        let bytes = Array(text.utf8)
        guard let count = Int32(exactly: bytes.count) else { throw .malformedCertificate }
        // The BIO reads from the array's memory, so it must not outlive this closure.
        let result: Result<Value, X509Error> = bytes.withUnsafeBufferPointer { buffer in
            guard let bio = claviger_bio_memory(buffer.baseAddress, count) else { return .failure(.failed("read PEM")) }
            defer { BIO_free(bio) }
            do throws(X509Error) {
                return .success(try body(bio))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    static func block(label: String, der: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: der.count, by: 48) {
            let row = Array(der[start..<min(start + 48, der.count)])
            for index in stride(from: 0, to: row.count, by: 3) {
                let group = (0..<3).map { index + $0 < row.count ? row[index + $0] : 0 }
                let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                for place in 0..<4 {
                    let isPadding = index + place > row.count
                    text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> (18 - 6 * UInt32(place)) & 63)])
                }
            }
            text.append(UInt8(ascii: "\n"))
        }
        return "-----BEGIN \(label)-----\n\(String(decoding: text, as: UTF8.self))-----END \(label)-----\n"
    }
}
