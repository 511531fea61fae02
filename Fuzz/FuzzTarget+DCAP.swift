import Encodings

@testable import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    /// A quote about an enclave or a trust domain: what is read is written again without loss.
    func intelQuote(_ bytes: [UInt8]) {
        guard let quote = try? IntelQuote(parsing: bytes) else { return }
        let encoded = quote.encoded
        guard bytes.starts(with: encoded), bytes.dropFirst(encoded.count).allSatisfy({ $0 == 0 }) else { abort() }
        guard let chain = try? CertificateText.chain(quote.signature.certificates) else { return }
        guard chain.count == 3, chain.joined().count < bytes.count else { abort() }
    }

    /// What a platform's certificate says of it.
    func pckExtension(_ bytes: [UInt8]) {
        guard let platform = try? PCKExtension(der: bytes) else { return }
        guard platform.componentSVNs.count == 16, platform.fmspc.count == 6 else { abort() }
    }

    /// A TCB info: the signed bytes are a part of the document.
    func tcbInfo(_ bytes: [UInt8]) {
        guard let document = signed(bytes, "tcbInfo") else { return }
        _ = try? TCBInfo(document.content)
    }

    /// The identity of a quoting enclave.
    func qeIdentity(_ bytes: [UInt8]) {
        guard let document = signed(bytes, "enclaveIdentity") else { return }
        _ = try? QEIdentity(document.content)
    }

    private func signed(_ bytes: [UInt8], _ member: String) -> IntelDocument? {
        guard let document = try? IntelDocument(bytes, member: member, what: "document") else { return nil }
        // What is signed is read by itself as the same object.
        guard let object = try? JSONObject(parsing: document.signedBytes),
            case .object(let whole) = try? JSONValue(parsing: bytes), whole[member] == .object(object)
        else { abort() }
        return document
    }
}
