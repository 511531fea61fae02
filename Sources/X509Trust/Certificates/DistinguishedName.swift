import COpenSSL

/// Names of subjects and issuers.
enum DistinguishedName {
    /// The form of RFC 2253, `nil` when the name cannot be printed.
    static func text(_ name: OpaquePointer?) -> String? {
        guard let name, let bio = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(bio) }
        guard claviger_print_name(bio, name) >= 0 else { return nil }
        var start: UnsafeMutablePointer<CChar>?
        let count = claviger_bio_contents(bio, &start)
        guard count > 0, let start else { return "" }
        return start.withMemoryRebound(to: UInt8.self, capacity: count) {
            String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
        }
    }

    /// The only common name.
    ///
    /// Of several none can be said to be the one that is meant, and readers differ on which they take.
    static func commonName(_ name: OpaquePointer?) -> String? {
        let first = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
        guard first >= 0, X509_NAME_get_index_by_NID(name, NID_commonName, first) < 0,
            let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, first))
        else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&text, value)
        defer { claviger_free(text) }
        guard count >= 0, let text else { return nil }
        let bytes = UnsafeBufferPointer(start: text, count: Int(count))
        return String(validating: bytes, as: UTF8.self)
    }
}
