import COpenSSL
import FoundationEssentials

/// Reads what OpenSSL parsed of a revocation list; the list belongs to the caller.
struct RevocationListReader {
    let list: OpaquePointer

    /// Refuses lists for a part of an issuer's certificates, and critical extensions that are not known.
    func requireComplete() throws(X509Error) {
        for index in 0..<max(0, X509_CRL_get_ext_count(list)) {
            guard let item = X509_CRL_get_ext(list, index) else { throw .malformedRevocationList }
            switch OBJ_obj2nid(X509_EXTENSION_get_object(item)) {
            case NID_delta_crl: throw unsupported("it is a delta list")
            case NID_issuing_distribution_point: throw unsupported("it has an issuing distribution point")
            case NID_crl_number, NID_authority_key_identifier, NID_issuer_alt_name: break
            default:
                guard X509_EXTENSION_get_critical(item) == 0 else {
                    throw unsupported("it has a critical extension that is not known")
                }
            }
        }
    }

    func number() throws(X509Error) -> [UInt8]? {
        var state: Int32 = 0
        guard let value = X509_CRL_get_ext_d2i(list, NID_crl_number, &state, nil) else {
            // -1 says that there is none; any other state that there are two or that it cannot be read.
            guard state == -1 else { throw .malformedRevocationList }
            return nil
        }
        let number = value.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { ASN1_STRING_free(number) }
        guard let magnitude = DER.magnitude(number) else { throw .malformedRevocationList }
        return magnitude
    }

    /// The serial numbers with the moment of their revocation.
    func entries() throws(X509Error) -> [[UInt8]: Date] {
        guard let stack = X509_CRL_get_REVOKED(list) else { return [:] }
        let count = max(0, claviger_revoked_count(stack))
        var entries: [[UInt8]: Date] = [:]
        entries.reserveCapacity(Int(count))
        for index in 0..<count {
            guard let entry = claviger_revoked_at(stack, index),
                let time = X509_REVOKED_get0_revocationDate(entry), let date = DER.date(time)
            else { throw .malformedRevocationList }
            try requireKnownExtensions(entry)
            // No certificate that can be read here has a negative number.
            guard let serial = DER.magnitude(X509_REVOKED_get0_serialNumber(entry)) else { continue }
            entries[serial] = min(entries[serial] ?? date, date)
        }
        return entries
    }

    private func requireKnownExtensions(_ entry: OpaquePointer) throws(X509Error) {
        for index in 0..<max(0, X509_REVOKED_get_ext_count(entry)) {
            guard let item = X509_REVOKED_get_ext(entry, index) else { throw .malformedRevocationList }
            switch OBJ_obj2nid(X509_EXTENSION_get_object(item)) {
            case NID_certificate_issuer: throw unsupported("it is an indirect list")
            case NID_crl_reason, NID_invalidity_date, NID_hold_instruction_code: break
            default:
                guard X509_EXTENSION_get_critical(item) == 0 else {
                    throw unsupported("an entry has a critical extension that is not known")
                }
            }
        }
    }

    private func unsupported(_ reason: String) -> X509Error {
        X509Error(code: "unsupported_revocation_list", message: "The revocation list cannot be used: \(reason).")
    }
}
